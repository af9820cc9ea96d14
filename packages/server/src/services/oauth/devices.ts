// Logins of devices that have no browser (RFC 8628): the device waits with one code while a person types the other elsewhere.
import { settings as declared } from '@postern/contract'
import { type Clock, type Random, randomAlphanumerics } from '#base/clock'
import type { Ephemeral } from '#data/ephemeral'
import type { Settings } from '#data/settings'

/** RFC 8628 §3.2; times in seconds. */
export interface DeviceLogin {
  readonly device_code: string
  readonly user_code: string
  readonly verification_uri: string
  readonly verification_uri_complete: string
  readonly expires_in: number
  readonly interval: number
}

interface Wanted {
  readonly clientId: string
  readonly nonce?: string | undefined
}

interface Approved extends Wanted {
  readonly accountId: number
  /** See `Grant.proof`. */
  readonly proof: string
  readonly nonce: string | undefined
}

interface Refused {
  readonly error: 'access_denied' | 'authorization_pending' | 'expired_token' | 'invalid_client' | 'slow_down'
}

export interface DeviceLogins {
  start(wanted: Wanted, base: string): Promise<DeviceLogin>
  /** The client that waits with a user code. */
  clientOf(userCode: string): Promise<string | undefined>
  /** Lets the device in as an account, or refuses it without one. @returns whether it was waiting */
  settle(userCode: string, approval: Pick<Approved, 'accountId' | 'proof'> | undefined): Promise<boolean>
  /** What the device asks again and again: once approved, one answer gets the approval. */
  poll(deviceCode: string, clientId: string | undefined): Promise<Approved | Refused>
}

interface Waiting extends Wanted {
  /** Unix milliseconds. */
  readonly expiresAt: number
  readonly approval?: Pick<Approved, 'accountId' | 'proof'>
  readonly isDenied?: boolean
}

const codeLength = 40
/** Without letters and digits that look alike. */
const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const intervalSeconds = 5

export function createDeviceLogins({
  settings,
  ephemeral,
  clock,
  random,
}: {
  settings: Settings
  ephemeral: Ephemeral
  clock: Pick<Clock, 'now'>
  random: Random
}): DeviceLogins {
  async function waiting(deviceCode: string): Promise<Waiting | undefined> {
    const kept = await ephemeral.get(deviceKey(deviceCode))
    return kept === undefined ? undefined : (JSON.parse(kept) as Waiting)
  }

  function group(): string {
    return Array.from({ length: 4 }, () => alphabet[random.integer(alphabet.length)]).join('')
  }

  /** Each time a device is told to slow down its interval grows (RFC 8628 §3.5). */
  async function pace(deviceCode: string, { expiresAt }: Waiting): Promise<Refused> {
    const key = `oauth-pace:${deviceCode}`
    const told = Number((await ephemeral.get(key)) ?? 0)
    if (await ephemeral.lock(`oauth-poll:${deviceCode}`, intervalSeconds * (told + 1) * 1000)) return { error: 'authorization_pending' }
    await ephemeral.set(key, String(told + 1), expiresAt - clock.now())
    return { error: 'slow_down' }
  }

  return {
    async start(wanted, base) {
      const deviceCode = randomAlphanumerics(random, codeLength)
      const userCode = `${group()}-${group()}`
      const lifeMs = settings.read(declared.oauth.expiryUserCode)
      const state: Waiting = { ...wanted, expiresAt: clock.now() + lifeMs }
      await ephemeral.set(deviceKey(deviceCode), JSON.stringify(state), lifeMs)
      await ephemeral.set(userKey(userCode), deviceCode, lifeMs)
      return {
        device_code: deviceCode,
        user_code: userCode,
        verification_uri: `${base}/authorize`,
        verification_uri_complete: `${base}/authorize/?code=${userCode}`,
        expires_in: Math.floor(lifeMs / 1000),
        interval: intervalSeconds,
      }
    },

    async clientOf(userCode) {
      const deviceCode = await ephemeral.get(userKey(userCode))
      return deviceCode === undefined ? undefined : (await waiting(deviceCode))?.clientId
    },

    async settle(userCode, approval) {
      const deviceCode = await ephemeral.take(userKey(userCode))
      const state = deviceCode === undefined ? undefined : await waiting(deviceCode)
      if (deviceCode === undefined || state === undefined) return false
      const settled: Waiting = approval === undefined ? { ...state, isDenied: true } : { ...state, approval }
      await ephemeral.set(deviceKey(deviceCode), JSON.stringify(settled), state.expiresAt - clock.now())
      return true
    },

    async poll(deviceCode, clientId) {
      const state = await waiting(deviceCode)
      if (state === undefined) return { error: 'expired_token' }
      if (state.clientId !== clientId) return { error: 'invalid_client' }
      if (state.isDenied !== true && state.approval === undefined) return pace(deviceCode, state)
      const taken = await ephemeral.take(deviceKey(deviceCode))
      if (taken === undefined) return { error: 'expired_token' }
      const { approval, nonce } = state
      return approval === undefined ? { error: 'access_denied' } : { clientId, nonce, ...approval }
    },
  }
}

const deviceKey = (deviceCode: string): string => `oauth-device:${deviceCode.slice(0, codeLength + 1)}`
const userKey = (userCode: string): string => `oauth-user-code:${userCode.slice(0, 20)}`
