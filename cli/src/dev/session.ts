import type { LoadedConfig } from "@maxcloud/sdk/effect"
import { Effect, Stream } from "effect"
import { type Cloud, refused } from "../client.ts"
import { follow } from "../deploy/follow.ts"
import { onlyWarned } from "../deploy/policies.ts"
import { stateText, urlText } from "../output/format.ts"
import { reportOf, tell } from "../output/report.ts"
import { type Terminal, table } from "../output/terminal.ts"
import type { makeDevScripts } from "./devScripts.ts"
import type { makeEnvFiles } from "./envFiles.ts"
import type { makeServiceLogs } from "./serviceLogs.ts"

type Logs = ReturnType<typeof makeServiceLogs>

/** One run of `maxcloud dev`. */
export interface Session {
  readonly cloud: Cloud
  readonly logs: Logs
  readonly read: Effect.Effect<LoadedConfig, unknown>
  /** The config's folder. */
  readonly folder: string
  readonly dataDir: string
  readonly terminal: Terminal
  /** Whether sources run in their folders. */
  readonly inPlace: boolean
  readonly devScripts: ReturnType<typeof makeDevScripts>
  /** undefined if the server isn't in this process, or sources don't run in place. */
  readonly envFiles: ReturnType<typeof makeEnvFiles> | undefined
}

export const showServices = (cloud: Cloud, loaded: LoadedConfig, terminal: Terminal) =>
  Effect.gen(function* () {
    const services = yield* cloud.services.list({ app: loaded.spec.app, stage: loaded.stage })
    if (terminal.json) return terminal.printJson({ services }, "line")
    const rows = services.map((service) => [
      `  ${service.name}`,
      stateText(service.status.state, terminal),
      urlText(service.status, terminal)
    ])
    for (const line of ["", ...table(rows), ""]) terminal.print(line)
  })

/** Deploys, follows the services' logs, and shows their addresses. Reports broken policies, but deploys anyway. */
export const deployOnce = ({ cloud, inPlace, logs, terminal }: Session, loaded: LoadedConfig) => {
  const deployed = Effect.map(onlyWarned(loaded, terminal), (quiet) => cloud.deploy(quiet, { inPlace }))
  const progress = Stream.unwrap(deployed).pipe(
    Stream.tap((told) =>
      told._tag === "accepted"
        ? logs.follow(
            loaded.spec.app,
            loaded.spec.services.map((service) => service.name)
          )
        : Effect.void
    ),
    Stream.catchTag("InvalidSpec", (error) => Stream.fromEffect(refused(loaded)(error)))
  )
  return follow(progress, { detach: false, waitTimeout: undefined, quiet: true }, terminal).pipe(
    Effect.andThen(showServices(cloud, loaded, terminal))
  )
}

/** Reports a failure without stopping `dev`. */
export const told = <E, R>(effect: Effect.Effect<unknown, E, R>, terminal: Terminal): Effect.Effect<void, E, R> =>
  Effect.catchAll(Effect.asVoid(effect), (error) => {
    const report = reportOf(error)
    return report === undefined ? Effect.fail(error) : Effect.sync(() => tell(report, terminal))
  })
