import type { Deployment, DeploymentEvent } from "@maxcloud/sdk/api"
import type { DeployProgress } from "@maxcloud/sdk/effect"
import { Effect, Stream } from "effect"
import { parseDuration } from "../args/duration.ts"
import { loadSdk } from "../client.ts"
import { CommandFailed } from "../errors/failure.ts"
import { diagnosisLines } from "../output/diagnosis.ts"
import { integerBytes } from "../output/format.ts"
import { failedService } from "../output/report.ts"
import { type Terminal, table } from "../output/terminal.ts"
import type { Outputs } from "./outputs.ts"
import { makeProgress } from "./progress.ts"

interface FollowInput {
  readonly detach: boolean
  readonly waitTimeout: string | undefined
  /** Stops waiting when it finds a problem that waiting can't fix. */
  readonly failFast?: boolean
  /** Prints nothing when interrupted. */
  readonly quiet?: boolean
  /** The id of the deployment, if it is known before the server answers. */
  readonly known?: string
  /** The awaited state is reached, so the deployment's outcome no longer matters. */
  readonly until?: (progress: DeployProgress) => boolean
}

/** The flags that deploying one app, many apps and a plan have in common. */
export interface DeployFlags extends Pick<FollowInput, "detach" | "waitTimeout"> {
  readonly failFast: boolean
  readonly forceConflicts: boolean
  readonly message: string | undefined
  readonly metadata: ReadonlyArray<string>
}

const goesOn = (deployment: Deployment | undefined, known: string | undefined): string =>
  deployment === undefined
    ? known === undefined
      ? "the server has accepted nothing yet"
      : `\`maxcloud deployments wait ${known}\` follows it`
    : `deployment ${deployment.number} of ${deployment.app} continues: \`maxcloud deployments wait ${deployment.id}\` follows it, \`maxcloud deployments cancel ${deployment.id}\` cancels it`

/** The error for services that won't become ready, however long we wait. */
const hopelessIn = (
  { services }: Deployment,
  { isCaution, mayPass }: Effect.Effect.Success<typeof loadSdk>
): Deployment["services"] => {
  const pending = services.filter((service) => service.state === "pending")
  if (pending.length === 0) return []
  const found = pending.filter(
    ({ diagnosis }) =>
      diagnosis !== null && !isCaution(diagnosis.code) && (diagnosis.certain || !mayPass(diagnosis.code))
  )
  return [...services.filter((service) => service.state === "failed"), ...found]
}

const gaveUp = (found: Deployment, hopeless: Deployment["services"]) =>
  new CommandFailed({
    tag: "FailedFast",
    exit: 8,
    message: `${hopeless.length === 1 ? "a service" : `${hopeless.length} services`} of ${found.app} (${found.stage}) won't become ready`,
    details: hopeless.flatMap(failedService),
    fix: `deploy again once the cause is fixed; ${goesOn(found, undefined)}`,
    data: { deployment: found }
  })

const timedOut = ({ known, waitTimeout }: FollowInput, deployment: Deployment | undefined) =>
  new CommandFailed({
    tag: "TimedOut",
    exit: 8,
    message: `not finished within ${waitTimeout}`,
    fix: goesOn(deployment, known),
    data: deployment === undefined && known === undefined ? {} : { deployment: deployment?.id ?? known }
  })

export const tellUploading = (
  { bytes, files, services }: Extract<DeployProgress, { readonly _tag: "uploading" }>,
  terminal: Terminal
): void => terminal.say(`uploading the source of ${services.join(", ")} (${files} files, ${integerBytes(bytes)})`)

/**
 * Prints the progress of a deployment until it finishes. Fails with `DeploymentFailed` if it didn't succeed, and with exit code 8 if it
 * took longer than `--wait-timeout`. If interrupted, prints that the deployment continues.
 */
export const follow = <E, R>(progress: Stream.Stream<DeployProgress, E, R>, input: FollowInput, terminal: Terminal) =>
  Effect.gen(function* () {
    const timeout =
      input.waitTimeout === undefined ? undefined : yield* parseDuration("--wait-timeout", input.waitTimeout)
    const show = makeProgress(terminal)
    let deployment: Deployment | undefined
    let reached = false
    let isLate = false
    const watched = Stream.takeUntil(progress, (told) => {
      reached = input.until?.(told) === true
      return reached
    })
    const sdk = yield* loadSdk

    const run = Stream.runForEach(watched, (told) =>
      Effect.suspend(() => {
        switch (told._tag) {
          case "uploading":
            if (terminal.json) terminal.printJson(told, "line")
            else tellUploading(told, terminal)
            return Effect.void
          case "event": {
            deployment = told.event.deployment ?? deployment
            show.event(told.event)
            if (input.failFast !== true || deployment === undefined) return Effect.void
            const hopeless = hopelessIn(deployment, sdk)
            return hopeless.length === 0 ? Effect.void : gaveUp(deployment, hopeless)
          }
          case "accepted":
            deployment = told.deployment
            if (!terminal.json && !input.detach) {
              const { app, number, stage } = told.deployment
              terminal.say(`deployment ${number} of ${app} (${stage})`)
            }
            return Effect.void
          case "finished":
            deployment = told.deployment
            return Effect.void
        }
      })
    ).pipe(
      Effect.ensuring(Effect.sync(() => show.end())),
      Effect.onInterrupt(() =>
        Effect.sync(() => {
          if (input.quiet !== true && !isLate) terminal.say(`interrupted: ${goesOn(deployment, input.known)}`)
        })
      )
    )

    yield* timeout === undefined
      ? run
      : run.pipe(
          Effect.disconnect,
          Effect.raceFirst(
            Effect.delay(
              Effect.suspend(() => {
                isLate = true
                return timedOut(input, deployment)
              }),
              timeout
            )
          )
        )
    if (deployment === undefined || input.detach || reached) return deployment
    return yield* sdk.succeeded(deployment)
  })

/** The events of a deployment that somebody else started, as progress. */
export const progressOf = <E>(
  deployment: Deployment,
  events: Stream.Stream<DeploymentEvent, E>
): Stream.Stream<DeployProgress, E> =>
  Stream.concat(
    Stream.make<[DeployProgress]>({ _tag: "accepted", deployment }),
    Stream.map(events, (event): DeployProgress => ({ _tag: "event", event }))
  )

/** Prints the result: the services, with their URLs on stdout. */
export const tellOutcome = (
  deployment: Deployment | undefined,
  detached: boolean,
  terminal: Terminal,
  outputs: Outputs | undefined = undefined
): void => {
  if (deployment === undefined) return
  if (terminal.json) {
    terminal.printJson(outputs === undefined ? { deployment } : { deployment, outputs }, "line")
  } else if (detached) {
    terminal.say(`deployment ${deployment.number} of ${deployment.app} (${deployment.stage}) has started`)
    terminal.say(`follow it with \`maxcloud deployments wait ${deployment.id}\``)
    terminal.print(deployment.id)
  } else {
    for (const { diagnosis, name, state } of deployment.services) {
      if (state !== "ready" || diagnosis === null) continue
      terminal.say(`${terminal.paintError("yellow", "warning:")} ${name}: ${diagnosis.code}: ${diagnosis.message}`)
      for (const line of diagnosisLines(diagnosis)) terminal.say(`  ${line}`)
    }
    const rows = deployment.services
      .filter((service) => service.state === "ready" || service.state === "paused")
      .map((service) => [
        service.name,
        service.state === "paused"
          ? terminal.paint("yellow", "(paused)")
          : service.url === null
            ? terminal.paint("dim", "(internal)")
            : terminal.paint("cyan", service.url)
      ])
    for (const line of table(rows)) terminal.print(line)
    const lines = Object.entries(outputs ?? {}).map(([name, value]) => [terminal.paint("dim", name), value])
    if (lines.length > 0) terminal.print("")
    for (const line of table(lines)) terminal.print(line)
  }
}
