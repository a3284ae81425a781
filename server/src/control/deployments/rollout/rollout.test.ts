import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, type Scope } from "effect"
import { madeDataDir } from "../../../../test/database/layerTest.ts"
import { type FakeRuntime, makeFakeRuntime } from "../../../../test/deployments/fakeRuntime.ts"
import { deploy, finished, newOrganization, testServer } from "../../../../test/deployments/testServer.ts"
import * as Database from "../../../base/database/Database.ts"
import { asServer } from "../../../base/database/RowScope.ts"
import { layerAll } from "../../../base/replicas/Shards.ts"
import { operator } from "../../../operator/commands/commands.ts"
import type { Rollout } from "./RolloutState.ts"
import { rolloutStatus } from "./rolloutStatus.ts"

const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) => Effect.runPromise(Effect.scoped(asServer(effect)))

const closed = { closedRanges: ["198.51.100.0/24"] }
const egress = ["198.51.0.0/16"]

const kinds = (fake: FakeRuntime, kind: string) =>
  [...fake.objects].flatMap(([id, object]) => (id.includes(`/${kind}/`) ? [object] : []))
const cut = (fake: FakeRuntime) =>
  kinds(fake, "NetworkPolicy").filter((kind) => JSON.stringify(kind.manifest).includes('"except":["198.51.100.0/24"]'))

const until = (
  wanted: (rollout: Rollout) => boolean,
  seen: (rollout: Rollout) => Effect.Effect<void> = () => Effect.void
) => {
  const look: Effect.Effect<Rollout, SqlError, SqlClient> = Effect.flatMap(rolloutStatus, (rollout) =>
    seen(rollout).pipe(Effect.zipRight(wanted(rollout) ? Effect.succeed(rollout) : Effect.delay(look, "20 millis")))
  )
  return Effect.timeout(look, "150 seconds")
}
const isDone = ({ counts }: Rollout) => counts.pending === 0 && counts.failed === 0

/** A server with its database and platform, for as long as the effect runs. */
const served = (dataDir: string, fake: FakeRuntime, platform: Parameters<typeof testServer>[4] = {}) =>
  Effect.provide(
    Layer.provideMerge(
      testServer(fake.layer, dataDir, { resyncMs: 60_000 }, layerAll, platform),
      Database.layer({ dataDir })
    )
  )

const deployed = (count: number, service: object = {}) =>
  Effect.forEach(Array.from({ length: count }), () =>
    Effect.gen(function* () {
      const org = yield* newOrganization
      yield* finished(org, yield* deploy(org, [{ name: "web", egress, ...service }]))
      return org
    })
  )

describe("a changed platform", () => {
  it(
    "applies to all namespaces after a start, without a new revision if only policies change",
    { timeout: 300_000 },
    () =>
      run(
        Effect.gen(function* () {
          const dataDir = yield* madeDataDir
          const fake = yield* makeFakeRuntime
          yield* served(dataDir, fake)(Effect.zipRight(deployed(10), until(isDone)))
          expect(cut(fake)).toHaveLength(0)
          const services = kinds(fake, "Service").map((kind) => JSON.stringify(kind.manifest))

          const rollout = yield* served(dataDir, fake, closed)(until(isDone))
          expect(cut(fake)).toHaveLength(10)
          expect(rollout).toMatchObject({ counts: { done: 10 }, platform: { changed: ["closedRanges"] } })
          expect(kinds(fake, "Service").map((kind) => kind.generation)).toEqual(Array.from({ length: 10 }, () => 1))
          expect(kinds(fake, "Service").map((kind) => JSON.stringify(kind.manifest))).toEqual(services)

          // The same platform again changes nothing, and counts as done from the start.
          fake.calls.length = 0
          yield* served(dataDir, fake, closed)(until(isDone))
          expect(fake.calls).toEqual([])

          // The operator's command reads the same from the database.
          expect(yield* Effect.promise(() => operator.rollout({ dataDir }))).toMatchObject({
            ok: true,
            value: { counts: { done: 10 } }
          })
        })
      )
  )

  it("takes effect without a restart while the server runs", { timeout: 180_000 }, () =>
    run(
      Effect.gen(function* () {
        const fake = yield* makeFakeRuntime
        let closedRanges: ReadonlyArray<string> = []
        const live = {
          get closedRanges() {
            return closedRanges
          }
        }
        yield* served(
          yield* madeDataDir,
          fake,
          live
        )(
          Effect.gen(function* () {
            yield* Effect.zipRight(deployed(3), until(isDone))
            expect(cut(fake)).toHaveLength(0)
            closedRanges = closed.closedRanges
            const rollout = yield* until(
              (one) => isDone(one) && one.platform?.changed.includes("closedRanges") === true
            )
            expect(rollout.counts.done).toBe(3)
            expect(cut(fake)).toHaveLength(3)
            expect(kinds(fake, "Service").map((kind) => kind.generation)).toEqual([1, 1, 1])
            // New deployments use the new settings from the start.
            yield* deployed(1)
            expect(cut(fake)).toHaveLength(4)
          })
        )
      })
    )
  )

  it("is among the last fifty stored ones: each joining or leaving node creates a new one", { timeout: 60_000 }, () =>
    run(
      Effect.gen(function* () {
        const dataDir = yield* madeDataDir
        const fake = yield* makeFakeRuntime
        const add = Effect.flatMap(
          SqlClient,
          (sqlClient) => sqlClient`
            insert into platforms (key, platform, started_at)
            select 'old-' || n, '{}', now() - n * interval '1 hour' from generate_series(1, 60) n`
        )
        yield* served(dataDir, fake)(add)
        const kept = yield* served(
          dataDir,
          fake,
          closed
        )(
          Effect.zipRight(
            until((one) => one.platform?.changed.includes("closedRanges") === true),
            Effect.flatMap(
              SqlClient,
              (sqlClient) => sqlClient<{ key: string }>`select key from platforms order by started_at desc`
            )
          )
        )
        expect(kept).toHaveLength(50)
        expect(kept.at(-1)?.key).toBe("old-48")
      })
    )
  )

  it("creates new revisions if it changes instances", { timeout: 180_000 }, () =>
    run(
      Effect.gen(function* () {
        const dataDir = yield* madeDataDir
        const fake = yield* makeFakeRuntime
        yield* served(dataDir, fake)(deployed(2))
        const rollout = yield* served(dataDir, fake, { runtimeClass: "gvisor" })(until(isDone))
        expect(rollout.platform?.changed).toEqual(["runtimeClass"])
        expect(kinds(fake, "Service").map((kind) => kind.generation)).toEqual([2, 2])
      })
    )
  )

  it(
    "is applied even if the runtime was unreachable when it was noticed, or the server stopped in between",
    { timeout: 300_000 },
    () =>
      run(
        Effect.gen(function* () {
          const dataDir = yield* madeDataDir
          const fake = yield* makeFakeRuntime
          yield* served(dataDir, fake)(deployed(3))
          fake.away = true
          const failed = yield* served(dataDir, fake, closed)(until(({ counts }) => counts.failed === 3))
          expect(failed.stages.map((stage) => stage.message)).toEqual(Array.from({ length: 3 }, () => "it is away"))
          expect(cut(fake)).toHaveLength(0)
          fake.away = false
          yield* served(dataDir, fake, closed)(until(isDone))
          expect(cut(fake)).toHaveLength(3)
        })
      )
  )

  it("skips a stage that refuses it, and names that stage", { timeout: 180_000 }, () =>
    run(
      Effect.gen(function* () {
        const dataDir = yield* madeDataDir
        const fake = yield* makeFakeRuntime
        yield* served(
          dataDir,
          fake
        )(
          Effect.gen(function* () {
            yield* deployed(3)
            const org = yield* newOrganization
            yield* finished(org, yield* deploy(org, [{ name: "fine" }]))
            // Simulates that admission refuses objects that it had accepted before.
            const sql = yield* SqlClient
            yield* sql`update deployments set spec = replace(spec::text, '"fine"', '"refused"')::json`
            yield* sql`delete from deployment_manifests where organization_id = ${org.id}`
          })
        )
        const rollout = yield* served(
          dataDir,
          fake,
          closed
        )(until(({ counts }) => counts.done === 3 && counts.failed === 1))
        expect(rollout.stages.filter((stage) => stage.state === "failed")).toMatchObject([
          { message: "it is not taken" }
        ])
        expect(cut(fake)).toHaveLength(3)
      })
    )
  )

  it("reaches hundreds of namespaces, a few at a time, and continues after a restart", { timeout: 300_000 }, () =>
    run(
      Effect.gen(function* () {
        const count = 300
        const dataDir = yield* madeDataDir
        const fake = yield* makeFakeRuntime
        yield* served(
          dataDir,
          fake
        )(
          Effect.gen(function* () {
            const [org] = yield* deployed(1)
            const sql = yield* SqlClient
            // Copies of the deployed organization, each as a separate organization.
            const copy = sql`from generate_series(2, ${count}) n`
            yield* sql`insert into organizations (id, name) select 'org_' || md5(n::text), 'copy-' || n ${copy}`
            yield* sql`
              insert into app_stages (organization_id, app, stage, last_number, inventory)
              select 'org_' || md5(n::text), app, stage, last_number, inventory from app_stages a, generate_series(2, ${count}) n
              where a.organization_id = ${org?.id ?? ""}`
            yield* sql`
              insert into deployments (id, organization_id, app, stage, number, state, reason, message, spec,
                secret_versions, images, warnings, finished_at)
              select id, 'org_' || md5(n::text), app, stage, number, state, reason, message, spec, secret_versions, images, warnings,
                finished_at from deployments d, generate_series(2, ${count}) n where d.organization_id = ${org?.id ?? ""}`
            yield* sql`
              insert into services (id, organization_id, app, stage, name, spec, secret_versions, deployment_number)
              select id, 'org_' || md5(n::text), app, stage, name, spec, secret_versions, deployment_number
              from services s, generate_series(2, ${count}) n where s.organization_id = ${org?.id ?? ""}`
          })
        )
        fake.calls.length = 0
        const first = yield* served(dataDir, fake, closed)(until(({ counts }) => counts.done > 100))
        expect(first.counts.pending).toBeGreaterThan(0)
        yield* served(
          dataDir,
          fake,
          closed
        )(
          Effect.gen(function* () {
            let most = 0
            const sql = yield* SqlClient
            yield* until(isDone, () =>
              sql<{ n: number }>`
                  select count(*)::int as n from work_items w
                  join app_stages a on a.organization_id = w.organization_id and w.key = a.app || '/' || a.stage
                  where a.platform_key is distinct from (select key from platforms order by started_at desc limit 1)`.pipe(
                Effect.tap(([row]) =>
                  Effect.sync(() => {
                    most = Math.max(most, row?.n ?? 0)
                  })
                ),
                Effect.asVoid,
                Effect.orDie
              )
            )
            expect(most).toBeLessThanOrEqual(20)
          })
        )
        expect(cut(fake)).toHaveLength(count)
        // Once each, except those in progress when the first server stopped.
        const applied = fake.calls.filter((call) => call === "apply NetworkPolicy/web").length
        expect(applied).toBeGreaterThanOrEqual(count)
        expect(applied).toBeLessThanOrEqual(count + 20)
      })
    )
  )
})
