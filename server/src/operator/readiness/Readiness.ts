import { SqlClient } from "@effect/sql/SqlClient"
import type { ReadinessCheck } from "@maxcloud/sdk/api"
import { Context, Duration, Effect, Layer } from "effect"
import { Database } from "../../base/database/Database.ts"
import { Disk } from "../../base/disk/Disk.ts"
import { faultText } from "../../base/host/systemFault.ts"
import { cachedFor } from "../../base/node/monotonic.ts"
import { RuntimeHealth } from "../../runtimes/port/RuntimeHealth.ts"
import { AutomaticBackups } from "../backup/AutomaticBackups.ts"
import { backupCheck } from "../backup/backupCheck.ts"
import { queueCheck } from "./queueCheck.ts"

/** How long to cache an answer: however often somebody asks, the checks run no more often than this. */
const holdsFor = Duration.seconds(2)

/** An unreachable network disk doesn't answer at all. */
const diskAnswersIn = Duration.seconds(5)
const diskHangs: ReadinessCheck = {
  name: "disk",
  ok: false,
  message: `The disk of the server's data folder hasn't answered for ${Duration.toSeconds(diskAnswersIn)} s. Look for disk errors in the system's log (\`dmesg\`), and check the network if it's a remote disk.`
}

/** Can the server do its work now? */
export class Readiness extends Context.Tag("@maxcloud/server/Readiness")<
  Readiness,
  { readonly checks: Effect.Effect<ReadonlyArray<ReadinessCheck>> }
>() {
  static readonly layerWith = (ofQueue: Effect.Effect<ReadinessCheck>) =>
    Layer.effect(
      Readiness,
      Effect.gen(function* () {
        const database = yield* Database
        const disk = yield* Disk
        const backups = yield* AutomaticBackups
        const runtime = yield* RuntimeHealth
        const ofDatabase = Effect.gen(function* () {
          yield* database.ping
          const trouble = database.trouble()
          return trouble === undefined
            ? { name: "database", ok: true, message: null }
            : { name: "database", ok: false, message: faultText(trouble) }
        }).pipe(
          Effect.catchAll(({ message }) => Effect.succeed<ReadinessCheck>({ name: "database", ok: false, message }))
        )
        const ofDisk = Effect.promise(disk.probe).pipe(
          Effect.map(
            (problem): ReadinessCheck =>
              problem === undefined
                ? { name: "disk", ok: true, message: null }
                : { name: "disk", ok: false, message: problem.message }
          ),
          Effect.timeoutTo({ duration: diskAnswersIn, onSuccess: (value) => value, onTimeout: () => diskHangs })
        )
        const ofBackups = Effect.map(backups.status, (status) =>
          status === undefined ? [] : [backupCheck(status, new Date())]
        )
        const all = Effect.all([ofDatabase, ofDisk, ofQueue], { concurrency: "unbounded" }).pipe(
          Effect.zip(runtime.checks),
          Effect.zipWith(
            ofBackups,
            ([own, ofRuntime], told): ReadonlyArray<ReadinessCheck> => [...own, ...ofRuntime, ...told]
          )
        )
        return { checks: yield* cachedFor(all, holdsFor) }
      })
    )

  static readonly layer = Layer.unwrapEffect(
    Effect.map(SqlClient, (sql) => Readiness.layerWith(Effect.provideService(queueCheck, SqlClient, sql)))
  )
}
