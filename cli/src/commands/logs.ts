import type { LogEntry } from "@maxcloud/sdk/api"
import type { CallError } from "@maxcloud/sdk/effect"
import { Chunk, Effect, Stream } from "effect"
import { integer, optional, text, toggle } from "../args/flags.ts"
import { parseTime } from "../args/time.ts"
import { appOf, connect, loadSchemas, parseAppName, parseServiceName, stageOf } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { CommandFailed, UsageError } from "../errors/failure.ts"
import { levels, parseLevel } from "../logs/level.ts"
import { mergedLogs, mostLines } from "../logs/merge.ts"
import { logLine, namedLogLine } from "../output/format.ts"
import { jsonText, type Terminal } from "../output/terminal.ts"

const parseLines = (tail: number | undefined) =>
  tail === undefined || (tail >= 0 && tail <= mostLines)
    ? Effect.succeed(tail)
    : new UsageError({ message: `--tail ${tail} is out of range`, fix: `write a number from 0 to ${mostLines}` })

const parseFilter = (input: { readonly grep: string | undefined; readonly level: string | undefined }) =>
  Effect.gen(function* () {
    const level = input.level === undefined ? undefined : parseLevel(input.level)
    if (input.level !== undefined && level === undefined) {
      return yield* new UsageError({
        message: `"${input.level}" isn't a level`,
        fix: `write one of ${levels.join(", ")}`
      })
    }
    return { grep: input.grep, level }
  })

/** Writes lines that arrive together in one call: one write per line would take most of the time. */
const print = <E, R>(
  entries: Stream.Stream<LogEntry, E, R>,
  written: (entry: LogEntry) => string,
  terminal: Terminal
) =>
  Stream.runForEachChunk(entries, (chunk) =>
    Effect.sync(() => {
      if (chunk.length > 0) terminal.print(Chunk.toReadonlyArray(chunk).map(written).join("\n"))
    })
  )

/** Says each reason once: during an outage, every attempt to continue fails for the same reason. */
const interruptionTeller = (terminal: Terminal) => {
  const told = new Set<string>()
  return (reason: CallError) => {
    if (reason._tag !== "Unavailable" || told.has(reason.message)) return
    told.add(reason.message)
    terminal.say(`${reason.message} The lines continue when it's back.`)
  }
}

export default command({
  summary: "Print a service's logs",
  examples: [
    { line: "maxcloud logs", does: "Print and follow all services of the config's app, until Ctrl-C" },
    { line: "maxcloud logs myapp", does: "Print the last 100 lines of one service" },
    { line: "maxcloud logs myapp --follow", does: "Print and follow, until Ctrl-C" },
    { line: "maxcloud logs --no-follow --level error --since 1h", does: "Print the errors of the last hour" },
    { line: 'maxcloud logs myapp --grep "order 42"', does: "Print the last 100 lines with this text" },
    { line: "maxcloud logs myapp --since 10m --json", does: "Print the last ten minutes as JSON lines" },
    { line: "maxcloud logs myapp --revision myapp-00002 --tail 20", does: "Print one revision" }
  ],
  notes: [
    "A broken connection is reopened and continues after the last line.",
    "While the cluster is unreachable, --follow says so once and waits. Without it, the command exits with 3.",
    "The level is read from the line: JSON (level, severity), level=warn, [error], ERROR. A line without one is an error on stderr, else info.",
    "--grep and --level look at the last 10,000 lines of each service or, with --since, at all lines since then."
  ],
  exitOnInterrupt: 0,
  flags: flags({
    app: text("app", "APP", { alias: "a", description: "The app [without NAME: the config's]" }),
    follow: toggle("follow", { alias: "f", description: "Follow new lines [without NAME]" }),
    noFollow: toggle("no-follow", { description: "Stop after the existing lines" }),
    grep: text("grep", "TEXT", { alias: "g", description: "Only lines with this text (not a pattern)" }),
    level: text("level", "LEVEL", {
      alias: "l",
      description: `Lines of this level and above: ${levels.join(", ")}`
    }),
    since: text("since", "TIME", { description: "Not older than this: 10m, 2h, or an RFC 3339 time" }),
    tail: integer("tail", "LINES", { alias: "n", description: "Number of past lines to start with [100]" }),
    revision: text("revision", "REVISION", { alias: "r", description: "Only lines of this revision" })
  }),
  positionals: positionals({ name: optional("NAME", "The service [all of the app]") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { revision } = input
      const since = yield* parseTime("--since", input.since)
      const tail = yield* parseLines(input.tail)
      const filter = yield* parseFilter(input)
      const name = input.name === undefined ? undefined : yield* parseServiceName(input.name)
      if (input.follow && input.noFollow) {
        return yield* new UsageError({
          message: "--follow and --no-follow can't be combined",
          fix: "give one of them"
        })
      }
      if (name === undefined && revision !== undefined) {
        return yield* new UsageError({
          message: "--revision needs the name of its service",
          fix: `write \`maxcloud logs NAME --revision ${revision}\``
        })
      }
      const follow = input.follow || (name === undefined && !input.noFollow)
      const stage = yield* stageOf(input)
      const app =
        name === undefined ? yield* appOf(input) : input.app === undefined ? undefined : yield* parseAppName(input.app)
      const cloud = yield* connect(input)
      const written = (entry: LogEntry) => (terminal.json ? jsonText(entry) : logLine(entry, terminal))
      const onInterrupted = interruptionTeller(terminal)
      if (name !== undefined && filter.grep === undefined && filter.level === undefined) {
        return yield* print(
          cloud.logs(name, { follow, since, tail, revision, app, stage, onInterrupted }),
          written,
          terminal
        )
      }
      const { productionStage } = yield* loadSchemas
      const meant = stage ?? productionStage
      const services =
        name === undefined
          ? cloud.services.list({ app, stage: meant })
          : Effect.map(cloud.services.get(name, { app, stage }), (found) => [found])
      const found = yield* services
      if (found.length === 0) {
        return yield* new CommandFailed({
          tag: "NotFound",
          exit: 5,
          message: `the app "${app}" has no services in stage "${meant}"`,
          fix: "deploy it with `maxcloud deploy`; `maxcloud list` shows all services"
        })
      }
      const width = Math.max(...found.map((each) => each.name.length))
      const named = (entry: LogEntry) => (terminal.json ? jsonText(entry) : namedLogLine(entry, width, terminal))
      const all = mergedLogs({ cloud, stage, services, filter, follow, since, tail, revision, onInterrupted })
      yield* print(all, name === undefined ? named : written, terminal)
    })
})
