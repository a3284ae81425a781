import { SqlClient } from "@effect/sql/SqlClient"
import { NotFound, type ServiceId } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import type { Organization } from "../../../base/words/Organization.ts"
import { Outrun } from "../accept/acceptInput.ts"
import { acceptInspected, acceptNothing, newestDeployment } from "../accept/acceptSpec.ts"
import type { WorkQueue } from "../queue/WorkQueue.ts"
import { pinnedBy } from "../records/pinned.ts"
import { selectServices } from "../records/serviceRows.ts"
import { brokenLinks } from "../validate/appLinks.ts"
import { readSpec } from "../validate/inspectSpec.ts"
import { invalidSpec } from "../validate/invalidSpec.ts"

const noService = (id: ServiceId) =>
  new NotFound({ detail: `There is no service ${id}.`, resource: "service", resourceName: id })

/** Deploys the app again without the service. */
export const deleteService = (queue: WorkQueue, organization: Organization, id: ServiceId) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const [found] = yield* selectServices(organization, sql`id = ${id}`)
    if (found === undefined) return yield* noService(id)
    const target = { organization, app: found.app, stage: found.stage }
    const latest = yield* newestDeployment(target)
    if (latest === undefined) return yield* noService(id)
    const rest = latest.spec.services.filter((service) => service.name !== found.name)
    const origin = { kind: "delete" } as const
    if (rest.length === 0) return yield* acceptNothing(queue, target, latest.number, { origin })
    const read = yield* readSpec(target, { ...latest.spec, services: rest })
    const broken = yield* brokenLinks(target, read.spec)
    if (broken.length > 0) return yield* invalidSpec(broken)
    const pinned = yield* pinnedBy(organization.id, latest.id)
    if (pinned === undefined) return yield* new Outrun()
    // The others keep their accepted state, even if it would be refused today: a deleted image, an unset secret.
    const kept = {
      ...target,
      ...pinned,
      ...read,
      keepsVersions: true,
      origin,
      generates: new Map(),
      problems: [],
      warnings: []
    }
    return yield* acceptInspected(queue, { ...kept, after: latest.number }).pipe(
      // Only a new name could belong to another app, and a smaller app can't exceed a quota.
      Effect.catchTags({ Conflict: Effect.die, QuotaExceeded: Effect.die })
    )
  })
