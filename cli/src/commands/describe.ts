import type { Revision, Service, ServiceStatus } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { required, serviceFlags } from "../args/flags.ts"
import { connectToService } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { diagnosisLines } from "../output/diagnosis.ts"
import { linesOf, stateText, urlText } from "../output/format.ts"
import { envSource, programRow, serviceJson, settingRows } from "../output/serviceText.ts"
import { endText } from "../output/suspensionText.ts"
import { age, type Terminal, table } from "../output/terminal.ts"

/** Rows below a title. The last cell may have several lines. */
const section = (title: string, rows: ReadonlyArray<ReadonlyArray<string>>, terminal: Terminal) => {
  if (rows.length === 0) return []
  const lines = rows.map((row) => linesOf(row.at(-1) ?? "", "      "))
  const cells = rows.map((row, index) => [...row.slice(0, -1), lines[index]?.[0] ?? ""])
  return [
    "",
    terminal.paint("bold", title),
    ...table(cells).flatMap((row, index) => [`  ${row}`, ...(lines[index] ?? []).slice(1)])
  ]
}

/** Shortened as podman and docker do. */
const shortDigest = (image: string) => /(?:^|@)sha256:([a-f0-9]{12})/.exec(image)?.[1] ?? ""

const diagnosisSection = ({ diagnosis, state }: ServiceStatus, terminal: Terminal) => {
  if (diagnosis === null) return []
  const code = terminal.paint(state === "failed" || state === "degraded" ? "red" : "yellow", diagnosis.code)
  return [
    "",
    terminal.paint("bold", "Diagnosis"),
    ...linesOf(`${code}: ${diagnosis.message}`, "    ").map((value) => `  ${value}`),
    ...diagnosisLines(diagnosis).map((value) => `  ${value}`)
  ]
}

const serviceLines = (
  service: Service,
  revisions: ReadonlyArray<Revision>,
  hasOwnPorts: boolean,
  terminal: Terminal
) => {
  const now = Date.now()
  const { spec, status } = service
  const failing = status.conditions.filter((condition) => condition.status !== "true")
  return [
    ...table([
      ["name", terminal.paint("bold", service.name)],
      ["app", `${service.app} (${service.stage})`],
      ["state", stateText(status.state, terminal)],
      ["url", urlText(status, terminal)],
      programRow(spec),
      ...(status.digest === null ? [] : [["digest", status.digest]]),
      ["instances", String(status.instances)],
      ["deployment", String(service.deployment)],
      ...(service.suspension === null
        ? []
        : [
            [
              "suspended",
              terminal.paint("yellow", `ends ${endText(service.suspension.until)}: "${service.suspension.reason}"`)
            ]
          ]),
      ["created", age(service.createdAt, now)],
      ["updated", age(service.updatedAt, now)],
      ["id", service.id]
    ]),
    ...diagnosisSection(status, terminal),
    ...section("Settings", settingRows(spec, hasOwnPorts), terminal),
    ...section(
      "Environment",
      Object.entries(spec.env ?? {}).map(([name, value]) => [name, terminal.paint("dim", envSource(value))]),
      terminal
    ),
    ...section(
      "Files",
      Object.entries(spec.files ?? {}).map(([path, { secret }]) => [path, terminal.paint("dim", `secret ${secret}`)]),
      terminal
    ),
    ...section(
      "Revisions",
      revisions.map((revision) => [
        revision.name,
        revision.trafficPercent > 0 ? `${revision.trafficPercent}%` : "",
        revision.ready === "true"
          ? terminal.paint("green", "ready")
          : revision.ready === "false"
            ? terminal.paint("red", revision.reason ?? "failed")
            : (revision.reason ?? ""),
        revision.instances === 1 ? "1 instance" : `${revision.instances} instances`,
        shortDigest(revision.image),
        age(revision.createdAt, now)
      ]),
      terminal
    ),
    ...section(
      "Conditions",
      (failing.length > 0 ? failing : status.conditions).map((each) => [
        each.type,
        each.status === "true" ? terminal.paint("green", each.status) : terminal.paint("yellow", each.status),
        each.reason ?? "",
        each.message ?? ""
      ]),
      terminal
    )
  ]
}

export default command({
  summary: "Show a service in full",
  examples: [
    {
      line: "maxcloud describe web",
      does: "Show state, diagnosis, URL, settings, names of variables, revisions, conditions"
    },
    { line: "maxcloud describe web --json", does: "Show the same as JSON" }
  ],
  notes: ["Values of environment variables aren't shown, only where they come from."],
  flags: flags(serviceFlags),
  positionals: positionals({ name: required("NAME", "The service") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { at, cloud, name } = yield* connectToService(input)
      const service = yield* cloud.services.get(name, at)
      const revisions = yield* cloud.services.revisions(name, at)
      if (terminal.json) return terminal.printJson({ service: serviceJson(service), revisions })
      // A source that became an image has a digest, and runs in a container.
      const mayBeProcess = service.spec.source !== undefined && service.status.digest === null
      const hasOwnPorts = mayBeProcess && (yield* cloud.info).runtime === "local"
      for (const line of serviceLines(service, revisions, hasOwnPorts, terminal)) terminal.print(line)
    })
})
