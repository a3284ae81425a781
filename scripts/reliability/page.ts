import type { FaultOutcome } from "../../server/test/chaos/recordFault.ts"
import { type Batch, killsOf } from "../kills/ledger.ts"
import type { Sample, Soak } from "../soak/Sample.ts"

export interface Measured {
  readonly batches: ReadonlyArray<Batch>
  readonly faults: ReadonlyArray<FaultOutcome>
  readonly soak: Soak | undefined
}

const number = (value: number) => value.toLocaleString("en")
const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ").trim()
const row = (cells: ReadonlyArray<string>) => `| ${cells.map(cell).join(" | ")} |`
const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>) =>
  [row(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(row)].join("\n")
const sum = <A>(all: ReadonlyArray<A>, of: (_: A) => number) => all.reduce((total, value) => total + of(value), 0)
const seconds = (ms: number) => `${Math.round(ms / 100) / 10} s`

const killsByKind = (batches: ReadonlyArray<Batch>): ReadonlyArray<readonly [string, number]> => {
  const kinds = new Map<string, number>()
  for (const { kills } of batches)
    for (const [kind, count] of Object.entries(kills)) kinds.set(kind, (kinds.get(kind) ?? 0) + count)
  return [...kinds].sort(([, a], [, b]) => b - a)
}

export const renderKills = (batches: ReadonlyArray<Batch>): string => {
  if (batches.length === 0) return "No kills are recorded yet."
  const kept = (of: keyof Batch["acknowledged"]) => number(sum(batches, (one) => one.acknowledged[of]))
  const found = (of: keyof Batch["faults"]) => number(sum(batches, (one) => one.faults[of]))
  return [
    table(
      ["", "total"],
      [
        ["**Kills (SIGKILL)**", `**${number(sum(batches, killsOf))}**`],
        [
          "Acknowledged and verified",
          `${kept("deployments")} deployments and removals, ${kept("secrets")} secrets, ${kept("lines")} log lines`
        ],
        ["**Acknowledged and lost**", `**${found("lost")}**`],
        ["**Processes, sockets or files left over**", `**${found("orphan")}**`],
        ["**Databases that didn't start**", `**${found("database")}**`],
        ["Other findings, see the notes", found("other")]
      ]
    ),
    table(
      ["killed", "times"],
      killsByKind(batches).map(([kind, count]) => [kind, number(count)])
    ),
    table(
      ["batch", "seed", "kills", "minutes", "recovery: median, longest", "code", "machine"],
      batches.map((batch) => [
        batch.date,
        String(batch.seed),
        number(killsOf(batch)),
        number(Math.round(batch.seconds / 60)),
        `${seconds(batch.recoveryMs.median)}, ${seconds(batch.recoveryMs.longest)}`,
        `\`${batch.commit}\``,
        batch.machine
      ])
    ),
    ...batches.flatMap(({ notes, seed }) => notes.map((note) => `- Seed ${seed}: ${cell(note)}`))
  ].join("\n\n")
}

export const renderFaults = (faults: ReadonlyArray<FaultOutcome>): string =>
  faults.length === 0
    ? "No faults are recorded yet."
    : table(
        ["fault", "effect", "recovery", "seconds", "test"],
        faults.map(({ date, fault, recovery, seconds, seen, test }) => [
          fault,
          seen,
          recovery,
          seconds === null ? "–" : String(seconds),
          `\`${test}\`, ${date}`
        ])
      )

const mean = (samples: ReadonlyArray<Sample>, of: (_: Sample) => number) =>
  sum(samples, of) / Math.max(1, samples.length)

const amounts: ReadonlyArray<readonly [name: string, unit: string, of: (_: Sample) => number]> = [
  ["Memory of the server", "MiB", (each) => each.serverMiB],
  ["Memory of the database", "MiB", (each) => each.databaseMiB],
  ["Open descriptors", "", (each) => each.descriptors],
  ["Rows in the database", "", (each) => each.rows],
  ["Size of the database", "MiB", (each) => each.databaseSizeMiB],
  ["Data folder on disk", "MiB", (each) => each.diskMiB],
  ["Latency of a request, median", "ms", (each) => each.p50Ms],
  ["Latency of a request, 99th percentile", "ms", (each) => each.p99Ms]
]

export const renderSoak = (soak: Soak | undefined): string => {
  if (soak === undefined) return "No soak is recorded yet."
  const { commit, date, failures, machine, minutes, samples, totals } = soak
  const portion = Math.max(1, Math.floor(samples.length / 6))
  const shown = (value: number, unit: string) => `${number(Math.round(value * 10) / 10)} ${unit}`.trim()
  return [
    `${date}, ${machine}, code \`${commit}\`: ${minutes} minutes, ${number(totals.requests)} requests (${number(totals.failedRequests)} failed), ${number(totals.webSockets)} WebSockets, ${number(totals.deployments)} deployments with builds (${number(totals.failedDeployments)} failed), ${number(totals.removals)} removals, ${number(totals.logLines)} log lines read.`,
    "![Memory, latency, descriptors, instances, rows and disk during the run](reliability/soak.svg)",
    table(
      ["", "first sixth", "last sixth"],
      amounts.map(([name, unit, of]) => [
        name,
        shown(mean(samples.slice(0, portion), of), unit),
        shown(mean(samples.slice(-portion), of), unit)
      ])
    ),
    ...failures.map((failure) => `- ${cell(failure)}`)
  ].join("\n\n")
}

const replaced = (page: string, name: string, content: string): string => {
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`]
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from)
    throw new Error(`docs/reliability.md: "${begin}" and "${end}" are missing. Write them around the table.`)
  return `${page.slice(0, from + begin.length)}\n\n${content}\n\n${page.slice(to)}`
}

/** The page with tables from these measurements. */
export const renderPage = (page: string, { batches, faults, soak }: Measured): string =>
  replaced(
    replaced(replaced(page, "kills", renderKills(batches)), "faults", renderFaults(faults)),
    "soak",
    renderSoak(soak)
  )
