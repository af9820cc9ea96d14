import { failure } from '@postern/contract'
import { endpoints } from '@postern/contract/endpoints'
import type { MailAuth } from '#services/mailauth'
import { type BoundEndpoint, bind } from './handlers.ts'
import { timestampOf } from './timestamp.ts'

const { checkDnsRecords, createDkimSignature, getDkimSignature, listDnsRecords, publishDnsRecords, rotateDkimSignature } = endpoints.domains

export function domainHandlers(mailAuth: MailAuth): readonly BoundEndpoint[] {
  return [
    bind(createDkimSignature, async (caller, { body: { algorithm, domain, id, selector } }) => {
      const kind = algorithm === 'Rsa' ? 'rsa' : 'ed25519'
      await mailAuth.createKey(caller, { kind, domain, id: id ?? undefined, selector: selector ?? undefined })
      return null
    }),
    bind(getDkimSignature, (caller, { id }) => mailAuth.publicKey(caller, id)),
    bind(rotateDkimSignature, async (caller, { id, body: { selector, force = false } }) => {
      const rotation = await mailAuth.rotateKey(caller, id, { force, ...(selector != null && { selector }) })
      const { formerUntil, formerSelector = null } = rotation
      return { ...rotation, formerSelector, formerUntil: formerUntil === undefined ? null : timestampOf(formerUntil) }
    }),
    bind(listDnsRecords, async (caller, { domain }) => [...(await mailAuth.records(caller, domain))]),
    bind(checkDnsRecords, async (caller, { domain }) => {
      const findings = await mailAuth.check(caller, domain)
      return {
        ok: findings.every(({ state }) => state === 'ok'),
        records: findings.map(finding => ({ ...finding, found: [...finding.found], fix: finding.fix ?? null })),
      }
    }),
    bind(publishDnsRecords, async (caller, { domain, provider, 'dry-run': dryRun, force }) => {
      const { zone, added, removed, unchanged, conflicts, outside } = await mailAuth.publish(caller, domain, { provider, dryRun, force })
      return {
        zone,
        added: [...added],
        removed: [...removed],
        unchanged: [...unchanged],
        conflicts: conflicts.map(conflict => ({ ...conflict, found: [...conflict.found] })),
        outside: [...outside],
      }
    }),
    bind(endpoints.open.getMtaStsPolicy, async () => {
      const policy = await mailAuth.mtaStsPolicy()
      if (policy === undefined) throw failure('resourceNotFound')
      return policy
    }),
  ]
}
