import { SqlClient } from "@effect/sql/SqlClient"
import { OrganizationName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Schema, Stream } from "effect"
import { Audit } from "../audit/Audit.ts"
import { hex } from "../audit/auditRows.ts"
import type { Chain } from "../audit/chain.ts"
import { beginning, type Link, sameBytes, verifiedLinks } from "../audit/verifiedLinks.ts"
import { type DatabasePlace, ownerConnection } from "../backup/backupDatabase.ts"
import { OperatorError } from "./OperatorError.ts"

/** What a repair found. */
export interface RepairedAudit {
  readonly log: string
  /** Entries that were read, and fit. */
  readonly entries: number
  /** What the head said before, where it didn't fit. */
  readonly former: { readonly sequence: number; readonly hash: string } | null
}

const Row = Schema.Struct({ sequence: Schema.NumberFromString, hash: Schema.Uint8ArrayFromSelf })
const decodeRows = Schema.decodeUnknownSync(Schema.Array(Row))
const decodeOrganizations = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ id: OrganizationId, name: OrganizationName }))
)
const isId = Schema.is(OrganizationId)

/** By name, or by id: the log of an organization that was erased goes on. */
const chainOf = (log: string) =>
  Effect.gen(function* () {
    if (log === "server" || isId(log)) return log
    const sql = yield* SqlClient
    const all = decodeOrganizations(yield* sql`select id, name from organizations order by name`)
    const found = all.find((_) => _.name === log)
    if (found !== undefined) return found.id
    return yield* new OperatorError({
      reason: "organization",
      message: `There is no organization "${log}".`,
      organizations: all.map((_) => _.name)
    })
  })

const beyondRepair = (chain: Chain, what: string) =>
  new OperatorError({
    reason: "audit",
    message: `The audit log "${chain}" can't be repaired: ${what}. Only a head that doesn't fit can be. Keep an export as evidence (maxcloud audit export), and restore the entries from a backup (docs/audit.md).`
  })

/** Reads the whole log and every checkpoint of it; gives its last entry, if all of them fit. */
const readAll = (chain: Chain) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const [newest] = decodeRows(
      yield* sql`
        select sequence, hash from audit_entries where organization_id = ${chain} order by sequence desc limit 1`
    )
    const checkpoints = new Map(
      decodeRows(yield* sql`select sequence, hash from audit_checkpoints where organization_id = ${chain}`).map((_) => [
        _.sequence,
        _.hash
      ])
    )
    const upTo = newest?.sequence ?? 0
    const beyond = [...checkpoints.keys()].find((_) => _ > upTo)
    if (beyond !== undefined)
      return yield* beyondRepair(chain, `entries up to ${beyond} were signed, and ${upTo} are there`)
    if (upTo === 0) return beginning
    return yield* verifiedLinks(chain, beginning, upTo).pipe(
      Stream.tap(({ hash, sequence }) => {
        const signed = checkpoints.get(sequence)
        return signed === undefined || sameBytes(signed, hash)
          ? Effect.void
          : beyondRepair(chain, `entry ${sequence} isn't the one that checkpoint ${sequence} signed`)
      }),
      Stream.runFold(beginning, (_, link): Link => link),
      Effect.catchTag("BrokenChain", ({ sequence, what }) => beyondRepair(chain, `at entry ${sequence}: ${what}`))
    )
  })

/** By the role that owns the tables, for nobody else may: sets the head to the last entry, if that is still the last one. */
const setHead = (place: DatabasePlace, chain: Chain, { hash, sequence }: Link) =>
  Effect.gen(function* () {
    const client = yield* ownerConnection(place)
    yield* Effect.tryPromise({
      try: async () => {
        await client.query("begin")
        try {
          await client.query("alter table public.audit_heads disable trigger audit_heads_fit")
          const { rowCount } = await client.query(
            `insert into public.audit_heads (organization_id, sequence, hash)
             select $1::text, $2::bigint, $3::bytea where not exists (
               select 1 from public.audit_entries where organization_id = $1 and sequence > $2)
             on conflict (organization_id) do update set sequence = excluded.sequence, hash = excluded.hash`,
            [chain, sequence, Buffer.from(hash)]
          )
          if (rowCount !== 1) throw new Error("entries were appended meanwhile: run it again")
          await client.query("alter table public.audit_heads enable trigger audit_heads_fit")
          await client.query("commit")
        } catch (error) {
          await client.query("rollback").catch(() => {})
          throw error
        }
      },
      catch: (cause) =>
        new OperatorError({
          reason: "database",
          message: `The head of the audit log "${chain}" couldn't be set: ${cause instanceof Error ? cause.message : String(cause)}. Nothing was changed. It needs the role that owns the tables (MAXCLOUD_MIGRATION_DATABASE_URL).`,
          cause
        })
    })
  }).pipe(
    Effect.scoped,
    Effect.catchTag("BackupError", ({ message }) => new OperatorError({ reason: "database", message }))
  )

/**
 * Repairs the head of an audit log that doesn't fit its entries, which were read from the first one and compared with every checkpoint. The log
 * tells of it. Entries are never changed.
 */
export const repairAudit = (place: DatabasePlace, log: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const chain = yield* chainOf(log)
    const last = yield* readAll(chain)
    const [head] = decodeRows(yield* sql`select sequence, hash from audit_heads where organization_id = ${chain}`)
    const result = (former: RepairedAudit["former"]): RepairedAudit => ({ log: chain, entries: last.sequence, former })
    if (head === undefined ? last.sequence === 0 : head.sequence === last.sequence && sameBytes(head.hash, last.hash)) {
      return result(null)
    }
    yield* setHead(place, chain, last)
    const former = { sequence: head?.sequence ?? 0, hash: hex(head?.hash ?? beginning.hash) }
    yield* Effect.flatMap(Audit, (_) =>
      _.append({
        action: "server.repairAudit",
        outcome: "succeeded",
        status: 200,
        subject: `head of the audit log, by the operator: ${former.sequence} ${former.hash}, now ${last.sequence} ${hex(last.hash)}`,
        ...(chain === "server" ? {} : { organizationId: chain })
      })
    )
    return result(former)
  })
