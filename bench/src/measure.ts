import { spawn, spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"

/** One row of the table: the work, our result and the peer's from the same run, and the goal. */
export interface Row {
  readonly work: string
  readonly ours: string
  readonly peer: string
  readonly ratio: string
  readonly goal: string
}

export interface Benchmark {
  readonly name: string
  /** The works of its rows, to replace them in the page. @default those with the same work as a new one */
  readonly rows?: RegExp | undefined
  readonly run: () => Promise<ReadonlyArray<Row>>
}

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** Runs the functions in turn (A B A B …) after one warm-up each, and returns the median of each, in the unit that they return. */
export const interleaved = async (
  times: number,
  works: ReadonlyArray<() => Promise<number> | number>
): Promise<ReadonlyArray<number>> => {
  const results = works.map((): Array<number> => [])
  for (let round = -1; round < times; round++) {
    for (const [index, work] of works.entries()) {
      const value = await work()
      if (round >= 0) results[index]?.push(value)
    }
  }
  return results.map(median)
}

/** Runs the functions in turn, and returns all results by round. For functions without a warm-up, or with more than one number. */
export const inRounds = async <A>(
  times: number,
  ours: () => Promise<A>,
  peer: () => Promise<A>
): Promise<ReadonlyArray<{ readonly ours: A; readonly peer: A }>> => {
  const results: Array<{ readonly ours: A; readonly peer: A }> = []
  for (let round = 0; round < times; round++) results.push({ peer: await peer(), ours: await ours() })
  return results
}

export const seconds = (value: number) => (value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(2)} s`)
export const times = (value: number) => `${value.toFixed(2)} ×`
export const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`

/** The processor time that a process has used, in seconds: clock ticks of `/proc` are hundredths. */
export const processorSeconds = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** The seconds that a process runs, from start to exit. */
export const timeOf = (command: string, args: ReadonlyArray<string>, env: NodeJS.ProcessEnv = process.env): number => {
  const start = process.hrtime.bigint()
  const { status, stderr } = spawnSync(command, args, { env, encoding: "utf8" })
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} exited with ${status}: ${stderr}`)
  return Number(process.hrtime.bigint() - start) / 1e9
}

/** Starts a process, waits until its output matches, then calls `use` with the seconds that it took, and stops the process. */
export const whenItSays = <A>(
  args: ReadonlyArray<string>,
  pattern: RegExp,
  use: (match: RegExpExecArray, elapsed: number, pid: number) => Promise<A>,
  env: NodeJS.ProcessEnv = process.env
): Promise<A> =>
  new Promise((resolve, reject) => {
    const start = process.hrtime.bigint()
    const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    let found = false
    const read = (chunk: Buffer) => {
      output += chunk.toString()
      const match = found ? null : pattern.exec(output)
      if (match === null) return
      found = true
      const elapsed = Number(process.hrtime.bigint() - start) / 1e9
      const end = () =>
        new Promise<void>((ended) => {
          child.once("exit", () => ended())
          child.kill("SIGTERM")
        })
      use(match, elapsed, child.pid ?? 0).then(
        (value) => void end().then(() => resolve(value)),
        (error) => void end().then(() => reject(error))
      )
    }
    child.stdout.on("data", read)
    child.stderr.on("data", read)
    child.on("error", reject)
    child.on("exit", (code) => {
      if (!found) reject(new Error(`${args.join(" ")} exited with ${code}:\n${output.slice(-2000)}`))
    })
  })
