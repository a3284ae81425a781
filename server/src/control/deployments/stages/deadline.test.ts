import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import type { DeploymentId } from "@maxcloud/sdk/api"
import { Effect, Layer, Schedule, type Scope, Stream } from "effect"
import { databaseTest, madeDataDir } from "../../../../test/database/layerTest.ts"
import { type FakeRuntime, makeFakeRuntime } from "../../../../test/deployments/fakeRuntime.ts"
import { deploy, finished, newOrganization, testServer } from "../../../../test/deployments/testServer.ts"
import type { Organization } from "../../../base/words/Organization.ts"
import { Deployments } from "../Deployments.ts"

const deadlineMs = 600_000

/** A deadline that a test can wait for. */
const shortMs = 4_000

const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) => Effect.runPromise(Effect.scoped(effect))

/** A server on a data folder, which continues the work of the previous one. */
const server = (fake: FakeRuntime, dataDir: string, progressDeadlineMs = deadlineMs) =>
  Layer.provideMerge(
    testServer(fake.layer, dataDir, { progressDeadlineMs, resyncMs: 60_000 }),
    databaseTest({ dataDir })
  )

/** Deploys a service that never becomes ready on its own. */
const deploySlow = Effect.gen(function* () {
  const org = yield* newOrganization
  const accepted = yield* deploy(org, [{ name: "web", image: "slow:1" }])
  const { events } = yield* Deployments
  yield* Stream.runHead(Stream.filter(yield* events(org, accepted.id, 0), (event) => event.type === "applied"))
  return { org, accepted }
})

/** Simulates that this much time has passed or, if negative, that the database's clock was set back. */
const pass = (id: DeploymentId, seconds: number) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql`update deployments set deadline_at = deadline_at - ${seconds} * interval '1 second' where id = ${id}`
  )

const remainingMs = (id: DeploymentId) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql<{ ms: number }>`
      select (extract(epoch from deadline_at - clock_timestamp()) * 1000)::float8 as ms from deployments where id = ${id}`
  ).pipe(Effect.map(([row]) => row?.ms ?? Number.NaN))

const wake = ({ id }: Organization) =>
  Effect.flatMap(SqlClient, (sql) =>
    Effect.zipRight(
      sql`update work_items set available_at = clock_timestamp() where organization_id = ${id}`,
      sql`select pg_notify('maxcloud', 'work')`
    )
  )

/** Only the runtime itself reports it. */
const untilCalled = (fake: FakeRuntime, call: string) =>
  Effect.sync(() => fake.calls.includes(call)).pipe(
    Effect.repeat({ until: (value) => value, schedule: Schedule.spaced("10 millis") }),
    Effect.timeout("20 seconds")
  )

describe("the deadline of a deployment", () => {
  it("fails services that aren't ready, and says what it waited for", () =>
    run(
      Effect.gen(function* () {
        const [dataDir, fake] = yield* Effect.all([madeDataDir, makeFakeRuntime])
        const failed = yield* Effect.flatMap(deploySlow, ({ accepted, org }) => finished(org, accepted)).pipe(
          Effect.provide(server(fake, dataDir, 500))
        )
        expect(failed).toMatchObject({ status: { state: "failed", reason: "ServiceFailed" } })
        expect(failed.services).toMatchObject([
          { reason: "ProgressDeadlineExceeded", message: "It wasn't ready within 0.5 s: Deploying" }
        ])
      })
    ))

  it("isn't extended by a restart of the server", () =>
    run(
      Effect.gen(function* () {
        const [dataDir, first, second] = yield* Effect.all([madeDataDir, makeFakeRuntime, makeFakeRuntime])
        const { accepted, org } = yield* deploySlow.pipe(
          Effect.tap(({ accepted }) => pass(accepted.id, deadlineMs / 1000)),
          Effect.provide(server(first, dataDir))
        )
        const failed = yield* finished(org, accepted).pipe(Effect.provide(server(second, dataDir)))
        expect(failed.services).toMatchObject([{ state: "failed", reason: "ProgressDeadlineExceeded" }])
      })
    ))

  it("is extended only once, not at each start, after the database's clock was set back", () =>
    run(
      Effect.gen(function* () {
        const [dataDir, first, second] = yield* Effect.all([madeDataDir, makeFakeRuntime, makeFakeRuntime])
        const { accepted, org } = yield* deploySlow.pipe(
          Effect.tap(({ accepted }) => pass(accepted.id, -3600)),
          Effect.provide(server(first, dataDir))
        )
        yield* Effect.gen(function* () {
          yield* untilCalled(second, "apply Service/web")
          expect(yield* remainingMs(accepted.id)).toBeLessThanOrEqual(deadlineMs)
          yield* second.becomeReady("web")
          expect(yield* finished(org, accepted)).toMatchObject({ status: { state: "succeeded" } })
        }).pipe(Effect.provide(server(second, dataDir)))
      })
    ))

  it("stands still while the cluster is unreachable, and ends the deployment with its true outcome", () =>
    run(
      Effect.gen(function* () {
        const [dataDir, fake] = yield* Effect.all([madeDataDir, makeFakeRuntime])
        yield* Effect.gen(function* () {
          const { accepted, org } = yield* deploySlow
          fake.unreachable = true
          yield* wake(org)
          const { events } = yield* Deployments
          const warning = yield* Stream.runHead(
            Stream.filter(yield* events(org, accepted.id, 0), (event) => event.type === "warning")
          )
          expect(warning).toMatchObject({ value: { reason: "ClusterUnreachable" } })
          // An outage longer than the deadline.
          fake.awayMillis = 2 * shortMs
          yield* Effect.sleep(2 * shortMs)
          fake.unreachable = false
          yield* fake.becomeReady("web")
          expect(yield* finished(org, accepted)).toMatchObject({ status: { state: "succeeded" } })
        }).pipe(Effect.provide(server(fake, dataDir, shortMs)))
      })
    ))

  it("continues where it stood when the server stopped during an outage", () =>
    run(
      Effect.gen(function* () {
        const [dataDir, first, second] = yield* Effect.all([madeDataDir, makeFakeRuntime, makeFakeRuntime])
        const { accepted, org } = yield* Effect.provide(deploySlow, server(first, dataDir, shortMs))
        yield* Effect.sleep(1.5 * shortMs)
        yield* Effect.gen(function* () {
          yield* untilCalled(second, "apply Service/web")
          yield* second.becomeReady("web")
          expect(yield* finished(org, accepted)).toMatchObject({ status: { state: "succeeded" } })
        }).pipe(Effect.provide(server(second, dataDir, shortMs)))
      })
    ))

  it("fails a service only if the runtime confirms that its state is current", () =>
    run(
      Effect.gen(function* () {
        const [dataDir, fake] = yield* Effect.all([madeDataDir, makeFakeRuntime])
        fake.confirmed = false
        yield* Effect.gen(function* () {
          const { accepted, org } = yield* deploySlow
          yield* Effect.sleep(1_500)
          const { get } = yield* Deployments
          expect(yield* get(org, accepted.id)).toMatchObject({ status: { state: "running" } })
          yield* fake.becomeReady("web")
          expect(yield* finished(org, accepted)).toMatchObject({ status: { state: "succeeded" } })
        }).pipe(Effect.provide(server(fake, dataDir, 500)))
      })
    ))

  it("judges by the last known state if that can't be confirmed for minutes", () =>
    run(
      Effect.gen(function* () {
        const [dataDir, fake] = yield* Effect.all([madeDataDir, makeFakeRuntime])
        fake.confirmed = false
        yield* Effect.gen(function* () {
          const { accepted, org } = yield* deploySlow
          // As if this much more time had passed while the cluster was reachable.
          fake.awayMillis = -121_000
          yield* wake(org)
          const { services } = yield* finished(org, accepted)
          expect(services).toMatchObject([{ state: "failed", reason: "ProgressDeadlineExceeded" }])
        }).pipe(Effect.provide(server(fake, dataDir, 500)))
      })
    ))

  it("starts a revision again that the cluster gave up because of an outage", () =>
    run(
      Effect.gen(function* () {
        const [dataDir, fake] = yield* Effect.all([madeDataDir, makeFakeRuntime])
        yield* Effect.gen(function* () {
          const { accepted, org } = yield* deploySlow
          fake.expired.add("web-00001")
          yield* wake(org)
          yield* Effect.repeat(
            Effect.zipRight(
              wake(org),
              Effect.sync(() => [...fake.objects.values()].some(({ generation }) => generation === 2))
            ),
            { until: (found) => found, schedule: Schedule.spaced("50 millis") }
          ).pipe(Effect.timeout("20 seconds"))
          yield* fake.becomeReady("web")
          expect(yield* finished(org, accepted)).toMatchObject({
            status: { state: "succeeded" },
            services: [{ revision: "web-00002" }]
          })
        }).pipe(Effect.provide(server(fake, dataDir)))
      })
    ))

  it("is measured by the server itself once it has started: setting the database's clock ahead ends nothing", () =>
    run(
      Effect.gen(function* () {
        const [dataDir, fake] = yield* Effect.all([madeDataDir, makeFakeRuntime])
        yield* Effect.gen(function* () {
          const { accepted, org } = yield* deploySlow
          yield* pass(accepted.id, 3600)
          yield* wake(org)
          // The woken pass checks the service, and leaves it pending.
          yield* Effect.flatMap(
            SqlClient,
            (sql) => sql<{ due: boolean }>`
            select lease_token is null and available_at > clock_timestamp() as due from work_items
            where organization_id = ${org.id}`
          ).pipe(
            Effect.repeat({ until: ([row]) => row?.due === true, schedule: Schedule.spaced("10 millis") }),
            Effect.timeout("20 seconds")
          )
          yield* fake.becomeReady("web")
          expect(yield* finished(org, accepted)).toMatchObject({ status: { state: "succeeded" } })
        }).pipe(Effect.provide(server(fake, dataDir)))
      })
    ))
})
