import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { OrganizationName } from "@maxcloud/config-schema"
import { ErasureCertificate, OrganizationId } from "@maxcloud/sdk/api"
import { Duration, Effect, Layer, Queue, Schema, Stream } from "effect"
import { Notifications } from "../../base/database/Notifications.ts"
import { asServer } from "../../base/database/RowScope.ts"
import { keepDoing } from "../../base/node/keepDoing.ts"
import { Shards } from "../../base/replicas/Shards.ts"
import { Remains } from "../../base/words/Remains.ts"
import { appendJournal, type JournalLine, journalName, readJournal } from "./ErasureJournal.ts"
import { eraseOrganization } from "./eraseOrganization.ts"

export interface EraserOptions {
  /** The folder of `erasures.jsonl`. */
  readonly dataDir: string
  /** How often to look for due erasures. @default 1 minute */
  readonly lookMs?: number | undefined
  /** How soon to retry an organization whose services haven't ended yet, or whose erasure failed. @default 1 second */
  readonly againMs?: number | undefined
}

const decodeDue = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ id: Schema.String, subject_id: OrganizationId, name: Schema.NullOr(OrganizationName) }))
)
const decodeErased = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      subject_type: Schema.Literal("organization", "person"),
      subject_id: Schema.String,
      erased_at: Schema.DateFromSelf,
      certificate: ErasureCertificate,
      recent: Schema.Boolean
    })
  )
)
const isOrganizationId = Schema.is(OrganizationId)

/** Due erasures of this replica. Without an organization, the erasure was interrupted between the organization's row and the certificate. */
const due = Effect.gen(function* () {
  const sql = yield* SqlClient
  const shards = yield* Shards
  const rows = yield* sql`
    select e.id, e.subject_id, o.name from erasures e left join organizations o on o.id = e.subject_id
    where e.subject_type = 'organization' and e.erased_at is null
      and (o.id is null or o.delete_after <= clock_timestamp())
    order by e.requested_at`
  return decodeDue(rows).filter((each) => shards.owns(each.subject_id))
})

/** Whether the organization is erased now. */
const tryToErase = ({ id, name, subject_id }: Effect.Effect.Success<typeof due>[number]) => {
  const organization = name === null ? undefined : { id: subject_id, name }
  return eraseOrganization({ id, organization, organizationId: subject_id }).pipe(
    Effect.catchAll((error) =>
      Effect.as(Effect.logWarning(`Couldn't erase the organization ${subject_id}. Retrying`, error), false)
    ),
    Effect.catchAllDefect((defect) =>
      Effect.as(Effect.logError(`Couldn't erase the organization ${subject_id}. Retrying`, defect), false)
    )
  )
}

/**
 * Erases organizations whose grace period is over. A replica erases those it looks after (`Shards`); it's harmless if two do so
 * at once. Every replica keeps a journal of all erasures next to its data, and erases its own disk's data about them.
 */
export const layer = ({ againMs = 1_000, dataDir, lookMs = 60_000 }: EraserOptions) =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const notifications = yield* Notifications
      const { stores } = yield* Remains
      const path = join(dataDir, journalName)
      const journal = new Set((yield* readJournal(path)).map((each) => each.id))

      const eraseFiles = (organizationId: OrganizationId) =>
        Effect.forEach(stores, (store) => store.erase(organizationId), { discard: true })

      /** Journals new erasures, and for a day erases late data again, such as the last lines of an instance. */
      const follow = Effect.gen(function* () {
        const rows = decodeErased(
          yield* sql`
            select subject_type, subject_id, erased_at, certificate, erased_at > now() - interval '1 day' as recent
            from erasures where erased_at is not null order by erased_at`
        )
        const lines: Array<JournalLine> = []
        for (const { certificate, erased_at, recent, subject_id, subject_type } of rows) {
          const known = journal.has(subject_id)
          if (subject_type === "organization" && (recent || !known) && isOrganizationId(subject_id)) {
            yield* eraseFiles(subject_id)
          }
          if (!known) lines.push({ type: subject_type, id: subject_id, at: erased_at.toISOString(), certificate })
        }
        yield* appendJournal(path, lines)
        for (const { id } of lines) journal.add(id)
      })

      /** Milliseconds until the next check. */
      const look = Effect.gen(function* () {
        let open = 0
        for (const each of yield* due) if (!(yield* tryToErase(each))) open++
        yield* follow
        return open > 0 ? againMs : lookMs
      })

      const wake = yield* Queue.sliding<void>(1)
      const messages = yield* notifications.subscribe
      yield* Stream.fromQueue(messages).pipe(
        Stream.filter((value) => value === "erasure" || value === "reconnected"),
        Stream.runForEach(() => Queue.offer(wake, undefined)),
        Effect.forkScoped
      )
      yield* keepDoing(
        "erasures",
        { every: 0, longestPause: Math.max(againMs, 1_000) },
        Effect.flatMap(look, (ms) => Effect.timeoutOption(Queue.take(wake), Duration.millis(ms)))
      )
    }).pipe(asServer, Effect.withSpan("Eraser"))
  )
