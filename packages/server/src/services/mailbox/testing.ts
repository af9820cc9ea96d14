// What tests of this module share: a store in a folder of its own, with a clock that is moved by hand.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock } from '#base/clock'
import { silentTrace } from '#base/trace'
import { type Blobs, createBlobs } from '#data/blobs'
import { openStore, type Store } from '#data/store'
import { createMailboxes, type Mailboxes, type MailboxesParts } from './index.ts'

export interface Bench extends AsyncDisposable {
  readonly store: Store
  readonly blobs: Blobs
  readonly mailboxes: Mailboxes
  /** Moves the clock on, milliseconds. */
  pass(ms: number): void
}

export async function openBench(options: Partial<MailboxesParts> = {}): Promise<Bench> {
  const path = await mkdtemp(join(tmpdir(), 'postern-mailbox-'))
  let now = Date.UTC(2026, 0, 1)
  const clock: Clock = { ...systemClock, now: () => now }
  const store = await openStore({ kind: 'sqlite', path, clock, trace: silentTrace })
  const blobs = createBlobs({ store, clock, trace: silentTrace })
  const mailboxes = createMailboxes({ store, blobs, clock, ...options })
  return {
    store,
    blobs,
    mailboxes,
    pass: ms => {
      now += ms
    },
    async [Symbol.asyncDispose]() {
      mailboxes[Symbol.dispose]()
      blobs[Symbol.dispose]()
      await store[Symbol.asyncDispose]()
      await rm(path, { recursive: true, force: true })
    },
  }
}

/** A small message. `lines` are header fields. */
export function letter(lines: readonly string[], body = 'Hello.\r\n'): Buffer {
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`)
}

let letters = 0
/** A message unlike any other. */
export function anyLetter(subject = 'Note'): Buffer {
  letters += 1
  return letter([`From: a@example.org`, `Subject: ${subject}`, `Message-ID: <m${letters}@example.org>`], `Letter ${letters}.\r\n`)
}
