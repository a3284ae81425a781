import type { Service } from "@maxcloud/sdk/api"
import { Effect, Option, Stream } from "effect"
import { parseDuration } from "../args/duration.ts"
import { required, serviceFlags, text, toggle } from "../args/flags.ts"
import { connectToService, loadSdk } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { CommandFailed } from "../errors/failure.ts"
import { elapsed } from "../output/terminal.ts"

const defaultWait = "10m"

/** The state of a restart, in one line. */
const lineOf = ({ name, status }: Service): string => {
  const { conditions, diagnosis, latestCreatedRevision, state } = status
  const ready = conditions.find((condition) => condition.type === "Ready")
  const why = diagnosis?.message ?? (ready?.status === "true" ? "" : (ready?.message ?? ""))
  return [`${name}: ${state}`, latestCreatedRevision ?? "", why.split("\n")[0] ?? ""]
    .filter((line) => line !== "")
    .join(", ")
}

export default command({
  summary: "Replace a service's instances with new ones",
  examples: [
    { line: "maxcloud restart web", does: "Start new instances of the same program; wait until they serve" },
    { line: "maxcloud restart web --detach", does: "Don't wait" }
  ],
  notes: [
    "The new instances start beside the old ones, which stop when the new ones are ready: no request fails. If the new ones don't become ready, the old ones keep serving and the exit code is 7.",
    "The program, its config and the versions of its secrets stay as they were deployed. `maxcloud deploy` uses new ones."
  ],
  flags: flags({
    ...serviceFlags,
    detach: toggle("detach", { description: "Don't wait until the new instances serve" }),
    waitTimeout: text("wait-timeout", "DURATION", {
      description: `Wait at most this long, then exit with 8 [${defaultWait}]`
    })
  }),
  positionals: positionals({ name: required("NAME", "The service") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const wait = input.waitTimeout ?? defaultWait
      const duration = yield* parseDuration("--wait-timeout", wait)
      const { at, cloud, name } = yield* connectToService(input)
      const { restarted } = yield* loadSdk
      const begun = performance.now()
      const progress = cloud.services.restart(name, { ...at, detach: input.detach }).pipe(
        Stream.tap((told) =>
          Effect.sync(() => {
            if (terminal.json || input.detach) return
            const time = elapsed(performance.now() - begun).padStart(6)
            if (told._tag === "accepted") terminal.say(`restarting ${name} (${told.restart.service.stage})`)
            else if (told._tag === "changed") terminal.say(`${time}  ${lineOf(told.service)}`)
          })
        ),
        Stream.runLast
      )
      const last = yield* progress.pipe(
        Effect.disconnect,
        Effect.timeoutFail({
          duration,
          onTimeout: () =>
            new CommandFailed({
              tag: "TimedOut",
              exit: 8,
              message: `${name} wasn't restarted within ${wait}`,
              fix: `the restart continues: \`maxcloud describe ${name}\` shows its state`
            })
        }),
        Effect.onInterrupt(() =>
          Effect.sync(() =>
            terminal.say(`interrupted: the restart continues, \`maxcloud describe ${name}\` shows its state`)
          )
        )
      )
      const end = Option.getOrUndefined(last)
      if (end === undefined)
        return yield* Effect.dieMessage("the server ended the stream of a restart without a result")
      if (end._tag === "accepted") {
        if (terminal.json) terminal.printJson({ service: end.restart.service })
        else terminal.say(`the restart of ${name} continues: \`maxcloud describe ${name}\` shows its state`)
        return
      }
      const service = yield* restarted(end.service)
      if (terminal.json) terminal.printJson({ service })
      else
        terminal.say(
          `${name} is restarted: revision ${service.status.latestReadyRevision} serves after ${elapsed(performance.now() - begun)}`
        )
    })
})
