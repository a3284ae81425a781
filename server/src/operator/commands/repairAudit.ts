import { SqlClient } from "@effect/sql/SqlClient"
import { OrganizationName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Schema, Stream } from "effect"
import type pg from "pg"
import { DataKeys } from "../../base/keys/DataKeys.ts"
import { Audit } from "../../tenancy/audit/Audit.ts"
import { hex } from "../../tenancy/audit/auditRows.ts"
import type { Chain } from "../../tenancy/audit/chain.ts"
import { foundCheckpoints, signersOf, someOf } from "../../tenancy/audit/foundCheckpoints.ts"
import { beginning, type Link, sameBytes, verifiedLinks } from "../../tenancy/audit/verifiedLinks.ts"
import { ownerConnection } from "../backup/backupDatabase.ts"
import type { DatabasePlace } from "../backup/DatabasePlace.ts"
import { OperatorError } from "./OperatorError.ts"
import type { RepairedAudit } from "./RepairedAudit.ts"

const Row = Schema.Struct({ sequence: Schema.NumberFromString, hash: Schema.Uint8ArrayFromSelf })
const decodeRows = Schema.decodeUnknownSync(Schema.Array(Row))
const decodeOrganizations = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ id: OrganizationId, name: OrganizationName }))
)
const isId = Schema.is(OrganizationId)

/** By name, or by id: the log of an erased organization continues. */
const chainOf = (log: string) =>
  Effect.gen(function* () {
    if (log === "server" || isId(log)) return log
    const sql = yield* SqlClient
    const all = decodeOrganizations(yield* sql`select id, name from organizations order by name`)
    const found = all.find((each) => each.name === log)
    if (found !== undefined) return found.id
    return yield* new OperatorError({
      reason: "organization",
      message: `The organization "${log}" doesn't exist.`,
      organizations: all.map((each) => each.name)
    })
  })

const beyondRepair = (chain: Chain, what: string) =>
  new OperatorError({
    reason: "audit",
    message: `The audit log "${chain}" can't be repaired: ${what}. A repair only fixes a head that doesn't fit, and checkpoints that the server hasn't signed. Keep an export as evidence (maxcloud audit export), and restore the entries from a backup (docs/audit.md).`
  })

/**
 * Reads the whole log and every checkpoint that the server has signed. If all fit, returns its last entry, and the
 * numbers of other checkpoints.
 */
const readAll = (chain: Chain) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const [newest] = decodeRows(
      yield* sql`
        select sequence, hash from audit_entries where organization_id = ${chain} order by sequence desc limit 1`
    )
    const signers = yield* signersOf(yield* DataKeys, chain)
    const { others, signed: found } = yield* foundCheckpoints(signers, chain, 0, Number.MAX_SAFE_INTEGER)
    const checkpoints = new Map(found.map((each) => [each.sequence, each.hash]))
    const upTo = newest?.sequence ?? 0
    const beyond = [...checkpoints.keys()].find((name) => name > upTo)
    if (beyond !== undefined)
      return yield* beyondRepair(chain, `entries up to ${beyond} were signed, but the log ends at ${upTo}`)
    if (upTo === 0) return { last: beginning, others }
    const last = yield* verifiedLinks(chain, beginning, upTo).pipe(
      Stream.tap(({ hash, sequence }) => {
        const signed = checkpoints.get(sequence)
        return signed === undefined || sameBytes(signed, hash)
          ? Effect.void
          : beyondRepair(chain, `entry ${sequence} isn't the one that checkpoint ${sequence} signed`)
      }),
      Stream.runFold(beginning, (_, link): Link => link),
      Effect.catchTag("BrokenChain", ({ sequence, what }) => beyondRepair(chain, `at entry ${sequence}: ${what}`))
    )
    return { last, others }
  })

interface Repair {
  /** The last entry, if the head names another. */
  readonly head: Link | undefined
  /** Numbers of checkpoints to remove. */
  readonly checkpoints: ReadonlyArray<number>
}

const setHead = async (client: pg.ClientBase, chain: Chain, { hash, sequence }: Link) => {
  await client.query("alter table public.audit_heads disable trigger audit_heads_fit")
  const { rowCount } = await client.query(
    `insert into public.audit_heads (organization_id, sequence, hash)
     select $1::text, $2::bigint, $3::bytea where not exists (
       select 1 from public.audit_entries where organization_id = $1 and sequence > $2)
     on conflict (organization_id) do update set sequence = excluded.sequence, hash = excluded.hash`,
    [chain, sequence, Buffer.from(hash)]
  )
  if (rowCount !== 1) throw new Error("entries were appended meanwhile. Run it again")
  await client.query("alter table public.audit_heads enable trigger audit_heads_fit")
}

const removeCheckpoints = async (client: pg.ClientBase, chain: Chain, sequences: ReadonlyArray<number>) => {
  await client.query("alter table public.audit_checkpoints disable trigger audit_checkpoints_append_only")
  const { rowCount } = await client.query(
    "delete from public.audit_checkpoints where organization_id = $1 and sequence = any($2::bigint[])",
    [chain, sequences]
  )
  if (rowCount !== sequences.length) throw new Error("checkpoints were removed meanwhile. Run it again")
  await client.query("alter table public.audit_checkpoints enable trigger audit_checkpoints_append_only")
}

/**
 * Runs as the owner of the tables, since nobody else may: sets the head to the last entry, if that's still the last one.
 */
const carryOut = (place: DatabasePlace, chain: Chain, { checkpoints, head }: Repair) =>
  Effect.gen(function* () {
    const client = yield* ownerConnection(place)
    yield* Effect.tryPromise({
      try: async () => {
        await client.query("begin")
        try {
          if (head !== undefined) await setHead(client, chain, head)
          if (checkpoints.length > 0) await removeCheckpoints(client, chain, checkpoints)
          await client.query("commit")
        } catch (error) {
          await client.query("rollback").catch(() => {})
          throw error
        }
      },
      catch: (cause) =>
        new OperatorError({
          reason: "database",
          message: `Couldn't repair the audit log "${chain}": ${cause instanceof Error ? cause.message : String(cause)}. Nothing has changed. It needs the role that owns the tables (MAXCLOUD_MIGRATION_DATABASE_URL).`,
          cause
        })
    })
  }).pipe(
    Effect.scoped,
    Effect.catchTag("BackupError", ({ message }) => new OperatorError({ reason: "database", message }))
  )

/**
 * Repairs an audit log. It compares all entries with every checkpoint that the server has signed, then sets a head that
 * doesn't fit the entries, and removes checkpoints that the server hasn't signed. The log records the repair. Entries
 * never change.
 */
export const repairAudit = (place: DatabasePlace, log: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const chain = yield* chainOf(log)
    const { last, others } = yield* readAll(chain)
    const [head] = decodeRows(yield* sql`select sequence, hash from audit_heads where organization_id = ${chain}`)
    const fits =
      head === undefined ? last.sequence === 0 : head.sequence === last.sequence && sameBytes(head.hash, last.hash)
    const former = fits ? null : { sequence: head?.sequence ?? 0, hash: hex(head?.hash ?? beginning.hash) }
    const result: RepairedAudit = { log: chain, entries: last.sequence, former, removedCheckpoints: others }
    if (fits && others.length === 0) return result
    yield* carryOut(place, chain, { head: fits ? undefined : last, checkpoints: others })
    const told = [
      ...(former === null
        ? []
        : [
            `head of the audit log, by the operator: ${former.sequence} ${former.hash}, now ${last.sequence} ${hex(last.hash)}`
          ]),
      ...(others.length === 0
        ? []
        : [`checkpoints that the server hasn't signed, removed by the operator: ${someOf(others)}`])
    ]
    yield* Effect.flatMap(Audit, (audit) =>
      audit.append({
        action: "server.repairAudit",
        outcome: "succeeded",
        status: 200,
        subject: told.join("; "),
        ...(chain === "server" ? {} : { organizationId: chain })
      })
    )
    return result
  })
