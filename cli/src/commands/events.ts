import type { CloudEvent } from "@maxcloud/sdk/api"
import { Effect, Stream } from "effect"
import { optional, text, toggle } from "../args/flags.ts"
import { parseTime } from "../args/time.ts"
import { connect, parseServiceName } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { printable } from "../output/format.ts"
import { firstOf, limitFlags } from "../output/limit.ts"
import { printTable, type Terminal } from "../output/terminal.ts"

const styles = (type: string) =>
  /failed|degraded|exceeded|disabled|throttled|found|^instance[.]/.test(type)
    ? "red"
    : /succeeded|ready|recovered|healed/.test(type)
      ? "green"
      : "cyan"

/** The facts of an event in a line: `app=shop stage=production number=7`. */
const factsOf = ({ data }: CloudEvent) =>
  Object.entries(data)
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ")

const cellsOf = (event: CloudEvent, terminal: Terminal) => [
  event.time.slice(0, 19).replace("T", " "),
  terminal.paint(styles(event.type), printable(event.type)),
  printable(factsOf(event))
]

export default command({
  summary: "Show what happened",
  examples: [
    { line: "maxcloud events", does: "Show the latest events of the last 24 hours, in their order" },
    {
      line: "maxcloud events web --follow",
      does: "Follow one service: scaled, restarted, evicted, images pulled, throttled"
    },
    { line: "maxcloud events --follow --type 'deployment.*'", does: "Follow deployments as they happen, until Ctrl-C" },
    {
      line: "maxcloud events --since 7d --type deployment.failed --json",
      does: "Show failed deployments as CloudEvents"
    }
  ],
  notes: [
    "docs/reference/events.md lists the types. `*` at the end of a type matches all types with that prefix.",
    "With --follow, a broken connection is reopened and continues after the last event."
  ],
  exitOnInterrupt: 0,
  flags: flags({
    follow: toggle("follow", { alias: "f", description: "Wait for new events, until Ctrl-C" }),
    type: text("type", "TYPES", { description: "Only these, separated by commas, such as 'deployment.*'" }),
    app: text("app", "APP", { alias: "a", description: "Only events of this app (with --stage: of the stage)" }),
    since: text("since", "TIME", {
      description: "Not older than this: 10m, 2h, or an RFC 3339 time [24h; now with --follow]"
    }),
    ...limitFlags
  }),
  positionals: positionals({ name: optional("NAME", "Only events of this service [all]") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { app, follow, stage, type } = input
      const since = yield* parseTime("--since", input.since)
      const service = input.name === undefined ? undefined : yield* parseServiceName(input.name)
      const cloud = yield* connect(input)
      /** A misspelled name would otherwise look like a service to which nothing happens. */
      const known = service === undefined ? Effect.void : Effect.asVoid(cloud.services.get(service, { app, stage }))
      if (follow) {
        yield* known
        return yield* cloud.events
          .follow({ type, app, stage, service, since })
          .pipe(
            Stream.runForEach((event) =>
              Effect.sync(() =>
                terminal.json ? terminal.printJson(event, "line") : terminal.print(cellsOf(event, terminal).join("  "))
              )
            )
          )
      }
      const newest = cloud.events.list.each({ type, app, stage, service, since: since ?? "24h", sort: "-sequence" })
      const events = [...(yield* firstOf(newest, input, terminal, "last"))].reverse()
      // A deleted service still has events.
      if (events.length === 0) yield* known
      if (terminal.json) return terminal.printJson({ events })
      if (events.length === 0) {
        return terminal.say(
          `no events since ${since ?? "24h"}: --since 7d looks further back, --follow waits for new ones`
        )
      }
      printTable(
        ["AT (UTC)", "TYPE", ""],
        events.map((event) => cellsOf(event, terminal)),
        terminal
      )
    })
})
