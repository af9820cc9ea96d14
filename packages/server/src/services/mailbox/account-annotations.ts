// Notes of clients on mailboxes and accounts, and who may read and write them.
import { failure } from '@postern/contract'
import { annotationsOf, changeAnnotations, type Store, wholeAccount } from '#data/store'
import type { AccountMailboxes } from './index.ts'
import type { AccountScope } from './scope.ts'
import { type Annotation, type Mailbox, rightBits } from './types.ts'

type AnnotationMethods = Pick<AccountMailboxes, 'annotations' | 'mailboxAnnotations' | 'annotate'>

/** RFC 5464 §3.3: any of these, besides being allowed to know of the mailbox. */
const usefulRights = rightBits.readItems | rightBits.modifyItems | rightBits.addItems | rightBits.submit

export function annotationMethods(scope: AccountScope, store: Store): AnnotationMethods {
  const { accountId, viewer, tree } = scope

  async function guard(mailboxId: number | null): Promise<number> {
    if (mailboxId === null) {
      if (viewer) throw failure('forbidden')
      return wholeAccount
    }
    if (!mayAnnotate((await tree()).require(mailboxId))) throw failure('forbidden')
    return mailboxId
  }

  return {
    async annotations(mailboxId, principalId) {
      const rows = await store.read(annotationsOf, { accountId, principalId, mailboxId: await guard(mailboxId) })
      return rows.map(({ name, isPrivate, value }) => ({ name, isPrivate, value }))
    },

    async mailboxAnnotations(principalId) {
      const open = new Set((await tree()).visible.filter(mayAnnotate).map(({ id }) => id))
      const byMailbox = new Map<number, Annotation[]>()
      for (const { mailboxId, name, isPrivate, value } of await store.read(annotationsOf, { accountId, principalId })) {
        if (!open.has(mailboxId)) continue
        const found = byMailbox.get(mailboxId) ?? []
        byMailbox.set(mailboxId, found)
        found.push({ name, isPrivate, value })
      }
      return byMailbox
    },

    async annotate(mailboxId, principalId, changes) {
      const place = await guard(mailboxId)
      if (mailboxId === null && changes.some(({ isPrivate }) => !isPrivate)) throw failure('forbidden')
      await store.write(changeAnnotations, { accountId, principalId, mailboxId: place, changes })
    },
  }
}

function mayAnnotate({ rights }: Mailbox): boolean {
  return (rights & rightBits.read) !== 0 && (rights & usefulRights) !== 0
}
