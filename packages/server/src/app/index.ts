// The process: puts the modules together, opens listeners, reloads, stops. The only layer that knows them all, and the only one
// that reads the environment and the command line. Holds no rule of its own.
export {
  type Installation,
  type PortPlan,
  prepareTryOut,
  realPorts,
  tryOutDefaults,
  tryOutPorts,
  writeInstallation,
} from './installation.ts'
export { type RunningServer, type StartOptions, startServer } from './server.ts'
