import { SqlClient } from "@effect/sql/SqlClient"
import {
  type AppName,
  AppName as AppNameSchema,
  type AppSpecEncoded,
  maxSpecIssues,
  productionStage,
  ServiceName,
  type StageName
} from "@maxcloud/config-schema"
import {
  type AppStage,
  Conflict,
  type CreateService,
  type Deployment,
  type DeploymentEvent,
  type DeploymentId,
  NotFound,
  type ServiceId,
  Unavailable
} from "@maxcloud/sdk/api"
import { Effect, Layer, Schedule, Stream } from "effect"
import { Notifications } from "../../base/database/Notifications.ts"
import { contextWithoutRows } from "../../base/database/RowScope.ts"
import { orUnavailable, transaction } from "../../base/database/sqlErrors.ts"
import { masterKeyUnavailable } from "../../base/keys/masterKeyUnavailable.ts"
import type { Organization } from "../../base/words/Organization.ts"
import type { Target } from "../../base/words/Target.ts"
import type { Platform } from "../../runtimes/port/Platform.ts"
import type { Runtime } from "../../runtimes/port/Runtime.ts"
import type { Images } from "../../stores/images/Images.ts"
import type { Secrets } from "../../stores/secrets/Secrets.ts"
import type { Audit } from "../../tenancy/audit/Audit.ts"
import { Quotas } from "../../tenancy/limits/Quotas.ts"
import { noDeployment } from "../retention/Retention.ts"
import {
  type AcceptInput,
  accept,
  acceptedServices,
  findRepeated,
  Outrun,
  ownedByOthers,
  ownedMessage
} from "./accept.ts"
import { changesBetween, versionsOf } from "./changes.ts"
import { Deployments } from "./Deployments.ts"
import { findDeployment, readEvents, selectDeployments } from "./deploymentRows.ts"
import { inspectSpec, invalidSpec, readSpec } from "./inspectSpec.ts"
import { pinnedBy } from "./pinned.ts"
import { platformChanges } from "./platformChanges.ts"
import { selectServices } from "./serviceRows.ts"
import { tryOut } from "./tryOut.ts"
import { inTurns } from "./turns.ts"
import type { WorkQueue } from "./WorkQueue.ts"

/** How often a reader of events looks by itself: a wake-up may be lost. */
const lookMs = 2_000

const noApp = (app: AppName, stage: StageName) =>
  new NotFound({ detail: `There is no app "${app}" in the stage "${stage}".`, resource: "app", name: app })

const noService = (id: ServiceId) =>
  new NotFound({ detail: `There is no service ${id}.`, resource: "service", name: id })

export const layer = (queue: WorkQueue) =>
  Layer.effect(
    Deployments,
    Effect.gen(function* () {
      const context = yield* contextWithoutRows<
        SqlClient | Notifications | Runtime | Secrets | Images | Platform | Audit | Quotas
      >()
      const quotas = yield* Quotas
      const sql = yield* SqlClient
      const notifications = yield* Notifications

      const load = (organization: Organization, id: string) =>
        findDeployment(organization.id, id).pipe(
          Effect.flatMap((_) =>
            _ === undefined ? Effect.dieMessage(`deployment ${id} is not there`) : Effect.succeed(_)
          )
        )

      const acceptRead = (input: Omit<AcceptInput, "secretVersions" | "images" | "problems" | "warnings">) =>
        Effect.gen(function* () {
          const draft = { ...input, secretVersions: new Map(), images: new Map(), problems: [], warnings: [] }
          const earlier = yield* findRepeated(draft)
          if (earlier !== undefined) return yield* load(input.organization, earlier)
          const inspected = yield* inspectSpec(input, input)
          if (inspected.problems.length > 0) return yield* invalidSpec(inspected.problems)
          const id = yield* transaction(accept(queue, { ...input, ...inspected })).pipe(
            Effect.catchTag("MasterKeyError", masterKeyUnavailable)
          )
          return yield* load(input.organization, id)
        })

      /** The newest deployment of an app and stage, with its spec. */
      const newest = ({ app, organization, stage }: Target) =>
        sql<{ id: string; number: number; spec: AppSpecEncoded; services: number; unfinished: boolean }>`
          select d.id, d.number, d.spec, d.finished_at is null as unfinished, (
            select count(*)::int from services s
            where s.organization_id = d.organization_id and s.app = d.app and s.stage = d.stage
          ) as services
          from deployments d
          where d.organization_id = ${organization.id} and d.app = ${app} and d.stage = ${stage}
          order by d.number desc limit 1`.pipe(Effect.map((_) => _[0]))

      /** Looks again where another deployment was accepted between looking and writing. */
      const again = { times: 5, while: (error: { readonly _tag: string }) => error._tag === "Outrun" }
      const outrun = () =>
        new Unavailable({
          detail: "The app is being deployed by many at once. Send the request again.",
          retryAfterSeconds: 1
        })

      const withoutServices = (target: Target, after: number) =>
        readSpec(target, { app: target.app, services: [] }).pipe(
          Effect.flatMap((read) => acceptRead({ ...target, ...read, after })),
          // A deployment of nothing names no secret, no host and no other app's service.
          Effect.catchTags({ InvalidSpec: Effect.die, Conflict: Effect.die, QuotaExceeded: Effect.die })
        )

      const service: Deployments["Type"] = {
        accept: Effect.fn("Deployments.accept")(
          function* (input) {
            const read = yield* readSpec(input, input.spec)
            return yield* acceptRead({ ...input, ...read })
          },
          Effect.catchTag("Outrun", outrun),
          orUnavailable,
          Effect.provide(context)
        ),

        plan: Effect.fn("Deployments.plan")(
          function* (target) {
            const read = yield* readSpec(target, target.spec)
            const { spec } = read
            const inspected = yield* inspectSpec(target, read)
            const { images, secretVersions, warnings } = inspected
            const names = spec.services.map((_) => _.name)
            const places = new Map(names.map((name, index) => [name, index]))
            const owned = (yield* ownedByOthers(target, names)).map((owner) => ({
              path: ["services", places.get(owner.name) ?? 0, "name"],
              message: ownedMessage(owner, target.stage)
            }))
            // What cannot be synthesized is refused already; to try it would only say so twice.
            const refusals = inspected.problems.length + owned.length > 0 ? [] : yield* tryOut(target, inspected)
            const overQuota = yield* quotas.check(target, spec).pipe(
              Effect.as([]),
              Effect.catchTag("QuotaExceeded", (_) => Effect.succeed([{ path: [], message: _.detail }]))
            )
            const accepted = yield* acceptedServices(target)
            const wanted = versionsOf(read, secretVersions, images)
            const changes = yield* inTurns(() => changesBetween(accepted, wanted))
            return {
              app: target.app,
              stage: target.stage,
              changes: changes.map((_) => ({ ..._, service: ServiceName.make(_.service) })),
              problems: [...inspected.problems, ...owned, ...refusals, ...overQuota].slice(0, maxSpecIssues),
              warnings,
              platform: yield* platformChanges(target)
            }
          },
          orUnavailable,
          Effect.provide(context)
        ),

        createService: Effect.fn("Deployments.createService")(
          function* (organization, input: CreateService) {
            const target = { organization, app: AppNameSchema.make(input.name), stage: productionStage }
            const taken = (owner: string) =>
              new Conflict({
                detail: `There is a service or an app "${input.name}" already, of the app "${owner}". Deploy that app to change it, or choose another name.`,
                owner
              })
            const [other] = yield* ownedByOthers(target, [input.name])
            if (other !== undefined) return yield* taken(other.app)
            const latest = yield* newest(target)
            if (latest !== undefined && (latest.services > 0 || latest.unfinished)) return yield* taken(target.app)
            const read = yield* readSpec(target, {
              app: target.app,
              services: [
                {
                  name: input.name,
                  image: input.image,
                  env: input.env_vars,
                  port: input.port ?? "auto"
                }
              ]
            })
            yield* acceptRead({ ...target, ...read, after: latest?.number ?? 0 })
            const [made] = yield* selectServices(
              organization,
              sql`name = ${input.name} and stage = ${target.stage} and app = ${target.app}`
            )
            return made === undefined ? yield* Effect.dieMessage(`service ${input.name} is not there`) : made
          },
          Effect.retry(again),
          Effect.catchTag("Outrun", outrun),
          orUnavailable,
          Effect.provide(context)
        ),

        deleteService: Effect.fn("Deployments.deleteService")(
          function* (organization, id) {
            const [found] = yield* selectServices(organization, sql`id = ${id}`)
            if (found === undefined) return yield* noService(id)
            const target = { organization, app: found.app, stage: found.stage }
            const latest = yield* newest(target)
            if (latest === undefined) return yield* noService(id)
            const rest = latest.spec.services.filter((_) => _.name !== found.name)
            if (rest.length === 0) return yield* withoutServices(target, latest.number)
            const read = yield* readSpec(target, { ...latest.spec, services: rest })
            const pinned = yield* pinnedBy(organization.id, latest.id)
            if (pinned === undefined) return yield* new Outrun()
            // The others stay as they were accepted, whatever would be said to them today: an image that is gone, a secret that was unset.
            const kept = { ...target, ...pinned, ...read, keepsVersions: true, problems: [], warnings: [] }
            const accepted = yield* transaction(accept(queue, { ...kept, after: latest.number })).pipe(
              Effect.catchTag("MasterKeyError", masterKeyUnavailable),
              // Only a name that is new to the app could belong to another, and what gets less meets no quota.
              Effect.catchTags({ Conflict: Effect.die, QuotaExceeded: Effect.die })
            )
            return yield* load(organization, accepted)
          },
          Effect.retry(again),
          Effect.catchTag("Outrun", outrun),
          orUnavailable,
          Effect.provide(context)
        ),

        destroy: Effect.fn("Deployments.destroy")(
          function* (organization, app, stage) {
            const target = { organization, app, stage }
            const latest = yield* newest(target)
            if (latest === undefined || (latest.services === 0 && !latest.unfinished)) return yield* noApp(app, stage)
            return yield* withoutServices(target, latest.number)
          },
          Effect.retry(again),
          Effect.catchTag("Outrun", outrun),
          orUnavailable,
          Effect.provide(context)
        ),

        get: Effect.fn("Deployments.get")(
          (organization, id) =>
            findDeployment(organization.id, id).pipe(
              Effect.flatMap((_) => (_ === undefined ? noDeployment(id) : Effect.succeed(_)))
            ),
          orUnavailable,
          Effect.provide(context)
        ),

        list: Effect.fn("Deployments.list")(
          function* (organization, app, stage) {
            const found = yield* selectDeployments(
              sql`where d.organization_id = ${organization.id} and d.app = ${app} and d.stage = ${stage}
                order by d.number desc limit 100`
            )
            return found.length === 0 ? yield* noApp(app, stage) : found
          },
          orUnavailable,
          Effect.provide(context)
        ),

        apps: Effect.fn("Deployments.apps")(
          function* (organization) {
            const counts = yield* sql<{ app: string; stage: string; services: number }>`
              select app, stage, count(*)::int as services from services
              where organization_id = ${organization.id} group by app, stage`
            const servicesOf = new Map(counts.map((_) => [`${_.app}/${_.stage}`, _.services]))
            const found = yield* selectDeployments(sql`
              where d.organization_id = ${organization.id}
                and d.number = (
                  select a.last_number from app_stages a
                  where a.organization_id = d.organization_id and a.app = d.app and a.stage = d.stage)
                and (d.finished_at is null or exists (
                  select 1 from services s
                  where s.organization_id = d.organization_id and s.app = d.app and s.stage = d.stage))
              order by d.app, d.stage`)
            return found.map(
              (deployment: Deployment): AppStage => ({
                app: deployment.app,
                stage: deployment.stage,
                services: servicesOf.get(`${deployment.app}/${deployment.stage}`) ?? 0,
                deployment
              })
            )
          },
          orUnavailable,
          Effect.provide(context)
        ),

        events: Effect.fn("Deployments.events")(
          function* (organization, id, afterId) {
            if ((yield* findDeployment(organization.id, id)) === undefined) return yield* noDeployment(id)
            return follow(organization, id, afterId)
          },
          orUnavailable,
          Effect.provide(context)
        )
      }

      const follow = (
        organization: Organization,
        id: DeploymentId,
        afterId: number
      ): Stream.Stream<DeploymentEvent, Unavailable> =>
        Stream.unwrapScoped(
          Effect.map(notifications.subscribe, (messages) =>
            Stream.fromQueue(messages).pipe(
              Stream.filter((_) => _ === `deployment ${id}` || _ === "reconnected"),
              Stream.merge(Stream.fromSchedule(Schedule.spaced(lookMs))),
              Stream.buffer({ capacity: 1, strategy: "sliding" }),
              (wakes) => Stream.concat(Stream.make(undefined), wakes),
              Stream.mapAccumEffect(afterId, (last) =>
                readEvents(organization.id, id, last).pipe(
                  orUnavailable,
                  Effect.map((events) => [events.at(-1)?.id ?? last, events])
                )
              ),
              Stream.flattenIterables,
              Stream.takeUntil((_) => _.type === "finished"),
              Stream.provideSomeContext(context)
            )
          )
        )

      return service
    })
  )
