// Runs before `npm start` and `npm test`, on whatever Node the machine has: installs the locked packages
// (a current Node is among them) when they are missing or older than the lock.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'

const lock = 'package-lock.json'
const marker = 'node_modules/.package-lock.json'
const upToDate = existsSync(marker) && statSync(marker).mtimeMs >= statSync(lock).mtimeMs
if (!upToDate) {
  console.error('Installing the locked packages …')
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (status !== 0) {
    console.error('npm ci failed: Postern needs the npm registry once, to install its packages')
    process.exit(1)
  }
}
