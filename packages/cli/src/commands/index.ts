// All commands, in the order of the help.
import type { Command } from '../command.ts'
import { accountCommands } from './account.ts'
import { callCommands } from './call.ts'
import { principalCommands } from './principals.ts'
import { queueCommands } from './queue.ts'
import { serverCommands } from './server.ts'
import { sessionCommands } from './session.ts'
import { settingsCommands } from './settings.ts'

export const commands: readonly Command[] = [
  ...sessionCommands,
  ...principalCommands,
  ...accountCommands,
  ...queueCommands,
  ...settingsCommands,
  ...serverCommands,
  ...callCommands,
]
