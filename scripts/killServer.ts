/**
 * Kills servers by SIGKILL at random moments, while they deploy, remove apps, respond and write logs. After each kill it checks that
 * acknowledged changes still exist, that nothing is left over, and that the database starts. `npm run test:kills -- --seed 7` repeats
 * the kills of that seed. `--ledger` adds the batch's results to `docs/reliability/kills.json`.
 */
import { join } from "node:path"
import { parseArgs } from "node:util"
import type { Fault } from "./kills/check.ts"
import { drawsOf } from "./kills/draws.ts"
import { Life, type Round } from "./kills/Life.ts"
import { type Batch, keepBatch, killsOf } from "./kills/ledger.ts"
import { measuredHere } from "./reliability/machine.ts"

const root = join(import.meta.dirname, "..")
const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    minutes: { type: "string", default: "40" },
    kills: { type: "string", default: "1000" },
    parallel: { type: "string", default: "1" },
    rounds: { type: "string", default: "40" },
    ledger: { type: "boolean", default: false },
    "ledger-file": { type: "string", default: join(root, "docs/reliability/kills.json") }
  }
})
const numberOf = (name: string, text: string, most: number) => {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 0 || number > most)
    throw new Error(`--${name}: "${text}" isn't a whole number up to ${most}.`)
  return number
}
const seed = numberOf("seed", values.seed ?? String(Math.floor(Math.random() * 2 ** 32)), 2 ** 32)
const minutes = numberOf("minutes", values.minutes, 40)
const parallel = numberOf("parallel", values.parallel, 16)
const most = numberOf("kills", values.kills, 10_000)
const mainProgram = join(import.meta.dirname, "kills/builtServer.mjs")
/** Rounds with one data folder. The first one kills the server while it creates the database. */
const roundsOfLife = numberOf("rounds", values.rounds, 1_000)

const begun = performance.now()
const kills: Record<string, number> = {}
const faults = { lost: 0, orphan: 0, database: 0, other: 0 }
const notes: Array<string> = []
const recoveries: Array<number> = []
const acknowledged = { deployments: 0, secrets: 0, lines: 0, requests: 0 }
let stopped = false
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    console.log("kills: stopping after the current rounds")
    stopped = true
  })
}
const isOver = () => stopped || performance.now() - begun > minutes * 60_000 || killsOf({ kills }) >= most

const batch = (): Batch => {
  const sorted = [...recoveries].sort((a, b) => a - b)
  return {
    ...measuredHere(),
    seed,
    seconds: Math.round((performance.now() - begun) / 1_000),
    kills,
    acknowledged,
    faults,
    recoveryMs: { median: sorted[Math.floor(sorted.length / 2)] ?? 0, longest: sorted.at(-1) ?? 0 },
    notes
  }
}

const tell = (where: string, found: ReadonlyArray<Fault>, life: Life) => {
  for (const { kind, text } of found) {
    faults[kind]++
    notes.push(`${where}: ${kind}: ${text.split("\n", 1)[0]}`.slice(0, 600))
    console.error(`kills: ${where}: ${kind}: ${text}`)
  }
  if (found.length > 0) console.error(`kills: the server's last lines:\n${life.output.slice(-6_000)}\n`)
}

const count = (where: string, { delayMs, faults: found, kind, recoveryMs }: Round, life: Life) => {
  kills[kind] = (kills[kind] ?? 0) + 1
  if (recoveryMs !== undefined) recoveries.push(recoveryMs)
  tell(`${where}, ${kind} after ${delayMs} ms`, found, life)
  return found.length === 0
}

/** Uses one data folder until its rounds or the batch are finished, or until a check fails. */
const live = async (number: number) => {
  const life = await Life.begin((...what) => drawsOf(seed)(number, ...what), mainProgram)
  try {
    let whole = count(`life ${number}, first`, await life.first(), life)
    for (let round = 1; whole && round < roundsOfLife && !isOver(); round++) {
      whole = count(`life ${number}, round ${round}`, await life.round(round), life)
    }
    if (whole) tell(`life ${number}, end`, await life.end(), life)
  } catch (error) {
    tell(
      `life ${number}`,
      [{ kind: "other", text: error instanceof Error ? (error.stack ?? error.message) : String(error) }],
      life
    )
  } finally {
    await life.abandon()
    acknowledged.deployments += life.acknowledged.deployments.size
    acknowledged.secrets += life.acknowledged.secrets.length
    acknowledged.lines += life.acknowledged.lines.size
    acknowledged.requests += life.acknowledged.requests
  }
}

console.log(`kills: seed ${seed} (npm run test:kills -- --seed ${seed} repeats this run)`)
let lives = 0
/** Uses one data folder after another. With `--parallel` several run at the same time. */
const liveOn = async () => {
  while (!isOver()) {
    await live(lives++)
    if (values.ledger) keepBatch(values["ledger-file"], batch())
    const { deployments, lines, secrets } = acknowledged
    console.log(
      `kills: ${killsOf({ kills })} in ${Math.round((performance.now() - begun) / 1_000)} s; verified: ${deployments} deployments, ${secrets} secrets, ${lines} lines; faults: ${JSON.stringify(faults)}`
    )
  }
}
await Promise.all(Array.from({ length: parallel }, liveOn))
const result = batch()
console.log(JSON.stringify(result, undefined, 2))
process.exitCode = Object.values(faults).every((fault) => fault === 0) ? 0 : 1
