// What tests share: fakes for the outside (time, chance, DNS, remote servers), an in-process server, and a dialog runner for line
// protocols. Only tests import it.
export { createFakeClock, createSeededRandom, type FakeClock } from './clock.ts'
export { type DialogOptions, runDialog } from './dialog.ts'
export { heldBytes } from './held-bytes.ts'
export { testIdentity } from './identity.ts'
export { type Outcome, playScript, readMbox, readScript } from './imaptest/index.ts'
export { playJames, readJamesScript } from './james/index.ts'
export { connectLocally, LineClient, type LineClientOptions } from './line-client.ts'
export { createRemoteMx, type RemoteMx, type Script, type Taken } from './remote-mx.ts'
export { findPortBase, type ServerProcess, type ServerProcessOptions, startServerProcess } from './server-process.ts'
export { startTestServer, type TestServer, type TestServerOptions } from './test-server.ts'
export { testdata } from './testdata.ts'
export { createRecordingTrace, type RecordedEvent, type RecordingTrace } from './trace.ts'
