import { SqlClient } from "@effect/sql/SqlClient"
import type { AppSpecEncoded } from "@maxcloud/config-schema"
import { Unavailable } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { transaction } from "../../../base/database/sqlErrors.ts"
import { masterKeyUnavailable } from "../../../base/keys/masterKeyUnavailable.ts"
import type { Organization } from "../../../base/words/Organization.ts"
import type { Target } from "../../../base/words/Target.ts"
import { recordExceeded } from "../../../tenancy/limits/recordQuotas.ts"
import { appManifests } from "../manifests/appManifests.ts"
import { planContent as contentOf } from "../plans/planId.ts"
import { inTurns } from "../queue/turns.ts"
import type { WorkQueue } from "../queue/WorkQueue.ts"
import { findDeployment } from "../records/deploymentRows.ts"
import { type Inspected, inspectSpec, readSpec } from "../validate/inspectSpec.ts"
import { invalidSpec } from "../validate/invalidSpec.ts"
import { accept } from "./accept.ts"
import { type AcceptInput, Outrun, type Requested } from "./acceptInput.ts"
import { planOutdated } from "./boundPlan.ts"

/** A deployment that was accepted just now or earlier. */
export const loadDeployment = (organization: Organization, id: string) =>
  findDeployment(organization.id, id).pipe(
    Effect.flatMap((found) =>
      found === undefined ? Effect.dieMessage(`Deployment ${id} doesn't exist`) : Effect.succeed(found)
    )
  )

const acceptAtOnce = (queue: WorkQueue, input: AcceptInput) =>
  transaction(accept(queue, input)).pipe(
    Effect.tapErrorTag("QuotaExceeded", () => recordExceeded(input)),
    Effect.catchTag("MasterKeyError", masterKeyUnavailable),
    Effect.flatMap((id) => loadDeployment(input.organization, id))
  )

/** Runs the acceptance in its own transaction. */
export const acceptInspected = (queue: WorkQueue, input: Omit<AcceptInput, "planId">) =>
  Effect.catchTag(acceptAtOnce(queue, input), "PlanMoved", Effect.die)

type ReadInput = Requested & Omit<AcceptInput, keyof Inspected | "planContent">

const acceptRead = (queue: WorkQueue, input: ReadInput) =>
  Effect.gen(function* () {
    const inspected = yield* inspectSpec({ ...input, metadata: input.origin.metadata }, input)
    if (inspected.problems.length > 0) return yield* invalidSpec(inspected.problems)
    const manifests = input.planId === undefined ? undefined : yield* appManifests(input, inspected)
    const planContent =
      manifests === undefined ? undefined : yield* inTurns(() => contentOf(input, input.encoded, manifests))
    return yield* acceptAtOnce(queue, { ...input, ...inspected, planContent })
  })

/** Accepts a spec that can be parsed, or returns its problems. */
export const acceptSpec = (queue: WorkQueue, input: Omit<ReadInput, "planId">) =>
  Effect.catchTag(acceptRead(queue, input), "PlanMoved", Effect.die)

/** The same, if the result still matches `planId`. */
export const acceptPlanned = (queue: WorkQueue, input: ReadInput) =>
  Effect.catchTag(acceptRead(queue, input), "PlanMoved", (moved) =>
    Effect.gen(function* () {
      const newest = yield* newestDeployment(input)
      const found = newest === undefined ? undefined : yield* findDeployment(input.organization.id, newest.id)
      return yield* planOutdated(input, moved, found)
    })
  )

/** Accepts a deployment without services. */
export const acceptNothing = (
  queue: WorkQueue,
  target: Target,
  after: number,
  { origin = { kind: "destroy" }, ...options }: Partial<Pick<AcceptInput, "origin" | "unsetsSecrets">> = {}
) =>
  readSpec(target, { app: target.app, services: [] }).pipe(
    Effect.flatMap((read) => acceptSpec(queue, { ...target, ...read, ...options, after, origin })),
    // A deployment without services names no secret and no host. It is invalid only if another app uses one of the services.
    Effect.catchTags({ Conflict: Effect.die, QuotaExceeded: Effect.die })
  )

/** The newest deployment of an app and stage, with its spec. */
export const newestDeployment = ({ app, organization, stage }: Target) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const [newest] = yield* sql<{
      id: string
      number: number
      spec: AppSpecEncoded
      services: number
      unfinished: boolean
    }>`
      select d.id, d.number, d.spec, d.finished_at is null as unfinished, (
        select count(*)::int from services s
        where s.organization_id = d.organization_id and s.app = d.app and s.stage = d.stage and not s.deleting
      ) as services
      from deployments d
      where d.organization_id = ${organization.id} and d.app = ${app} and d.stage = ${stage}
      order by d.number desc limit 1`
    return newest
  })

/** Retries if another deployment was accepted between reading and writing. */
export const lookAgain = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.retry(effect, { times: 5, while: (error) => error instanceof Outrun })

export const outrun = () =>
  new Unavailable({
    detail: "Too many deployments of the app at once. Send the request again.",
    retryAfterSeconds: 1
  })
