import type { NetworkProbe, NetworkReport } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { text } from "../args/flags.ts"
import { connect, loadApp, parseAppName, stageOf } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { ExitWith } from "../errors/failure.ts"
import { entryOf } from "../output/entryOf.ts"
import { type Terminal, table } from "../output/terminal.ts"

const isDifferent = ({ actual, expected }: NetworkProbe) => actual !== expected

/** Routes to the same target with the same result share a cell. */
const cellOf = (probes: ReadonlyArray<NetworkProbe>, terminal: Terminal): string =>
  [...new Set(probes.map((probe) => probe.actual))]
    .map((actual) => {
      const text = actual === "allowed" ? "yes" : actual === "denied" ? "no" : "?"
      const style = probes.some((probe) => probe.actual === actual && isDifferent(probe))
        ? "red"
        : actual === "allowed"
          ? "green"
          : "dim"
      return terminal.paint(style, text)
    })
    .join("/")

const ways: Readonly<Record<string, string>> = {
  url: "by its internal URL",
  host: "by its Host at the gateway",
  activator: "by its Host at the activator",
  pod: "directly to an instance",
  address: "by address"
}

/** A table of callers (rows) and the services they call (columns). */
const matrix = ({ probes }: NetworkReport, terminal: Terminal): ReadonlyArray<string> => {
  const columns = [...new Set(probes.map((probe) => probe.from))]
  const rows = [...new Set(probes.map((probe) => `${probe.to}\t${probe.by}`))]
  return table([
    ["to \\ from", "", ...columns].map((name) => terminal.paint("bold", name)),
    ...rows.map((row) => {
      const [to = "", by] = row.split("\t")
      const found = probes.filter((probe) => probe.to === to && probe.by === by)
      const [first] = found
      return [
        to,
        first === undefined ? "" : terminal.paint("dim", entryOf(ways, first.by, first.by)),
        ...columns.map((from) =>
          cellOf(
            found.filter((each) => each.from === from),
            terminal
          )
        )
      ]
    })
  ])
}

const differenceLine = ({ actual, by, detail, expected, from, to }: NetworkProbe, terminal: Terminal) =>
  `${terminal.paint("red", "differs")} ${from} → ${to} ${entryOf(ways, by, by)}: should be ${expected}, is ${actual} (${detail})`

export default command({
  summary: "Probe which connections the network allows",
  examples: [
    { line: "maxcloud net verify", does: "Probe the app of the config here, its stage from --stage" },
    { line: "maxcloud net verify --app shop --json", does: "Probe another app; print every probe as JSON" }
  ],
  notes: [
    "Starts a short-lived pod with each service's network identity, and checks what it can and can't reach.",
    "It doesn't start instances or call your programs. Exits with 1 if the network differs from the config."
  ],
  flags: flags({ app: text("app", "APP", { description: "The app [that of the config]" }) }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const stage = yield* stageOf(input)
      const app = input.app === undefined ? (yield* loadApp(input)).spec.app : yield* parseAppName(input.app)
      const cloud = yield* connect(input)
      const report = yield* cloud.apps.verifyNetwork(app, { stage })
      if (terminal.json) terminal.printJson(report)
      else {
        for (const line of matrix(report, terminal)) terminal.print(line)
        const differences = report.probes.filter(isDifferent)
        terminal.print("")
        for (const probe of differences) terminal.print(differenceLine(probe, terminal))
        terminal.say(
          differences.length === 0
            ? `${report.probes.length} probes: the network matches the config`
            : `${differences.length} of ${report.probes.length} probes differ from the config`
        )
      }
      if (report.differences > 0) return yield* new ExitWith({ exit: 1 })
    })
})
