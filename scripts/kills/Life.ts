import { randomUUID } from "node:crypto"
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { freePort } from "../../server/test/freePort.ts"
import { makeSource } from "../../server/test/makeSource.ts"
import { ServerProcess } from "../../server/test/serverProcess.ts"
import { Acknowledged } from "./Acknowledged.ts"
import { check, type Fault } from "./check.ts"
import type { Draws } from "./draws.ts"
import { type Kind, kill, kindOf, survives } from "./kill.ts"
import { program, specOf, startLoad, steadyApp, writeVersion } from "./load.ts"
import { processesOfRun } from "./strays.ts"

export interface Round {
  readonly kind: Kind | "the server in its first start"
  readonly delayMs: number
  /** From the start of the server until it responds. */
  readonly recoveryMs: number | undefined
  readonly faults: ReadonlyArray<Fault>
}

const environment = {
  MAXCLOUD_QUOTA_DEPLOYMENTS_PER_HOUR: "none",
  MAXCLOUD_RATE_LIMIT: "1000000",
  MAXCLOUD_RUNTIME: "local",
  MAXCLOUD_DRAIN_SECONDS: "1"
}

const filesIn = (folder: string) => (existsSync(folder) ? readdirSync(folder) : [])

/** One data folder with a server that is killed again and again. */
export class Life {
  readonly acknowledged = new Acknowledged()
  readonly #marker = `life-${randomUUID()}`
  readonly #draws: Draws
  readonly #server: ServerProcess
  readonly #source = makeSource(program)

  private constructor(draws: Draws, server: ServerProcess) {
    this.#draws = draws
    this.#server = server
  }

  static async begin(draws: Draws, mainProgram: string): Promise<Life> {
    return new Life(draws, new ServerProcess(await freePort(), environment, mainProgram))
  }

  get output() {
    return this.#server.output
  }

  async #start(): Promise<{ readonly recoveryMs: number | undefined; readonly faults: ReadonlyArray<Fault> }> {
    const begun = performance.now()
    try {
      await this.#server.start()
      return { recoveryMs: Math.round(performance.now() - begun), faults: [] }
    } catch (error) {
      return { recoveryMs: undefined, faults: [{ kind: "database", text: String(error) }] }
    }
  }

  /** Kills the server during its first start, possibly while it creates the database. */
  async first(): Promise<Round> {
    const delayMs = Math.round(this.#draws("first") * 2_500)
    await this.#server.start(false)
    await sleep(delayMs)
    await this.#server.end("SIGKILL")
    const { faults, recoveryMs } = await this.#start()
    const kind = "the server in its first start"
    if (faults.length > 0) return { kind, delayMs, recoveryMs, faults }
    writeVersion(this.#source.folder, steadyApp)
    const options = { marker: this.#marker, source: this.#source.folder }
    const deployment = await this.#server.client.deploy(specOf(steadyApp, options))
    const app = this.acknowledged.app(steadyApp)
    app.acknowledge(app.begin(steadyApp))
    this.acknowledged.deployments.set(deployment.id, deployment.status.state)
    return { kind, delayMs, recoveryMs, faults: await this.#check() }
  }

  async round(round: number): Promise<Round> {
    const kind = kindOf(this.#draws, round)
    const delayMs = Math.round(this.#draws(round, "delay") * 1_500)
    const options = { server: this.#server, marker: this.#marker, draws: this.#draws, round }
    const load = startLoad({ ...options, acknowledged: this.acknowledged, source: this.#source.folder })
    await sleep(delayMs)
    await kill(kind, options)
    if (survives(kind)) await sleep(300)
    await load.stop()
    if (survives(kind)) return { kind, delayMs, recoveryMs: undefined, faults: await this.#check() }
    const { faults, recoveryMs } = await this.#start()
    return { kind, delayMs, recoveryMs, faults: faults.length > 0 ? faults : await this.#check() }
  }

  #check(all = false): Promise<ReadonlyArray<Fault>> {
    return check(this.#server, this.acknowledged, this.#marker, all).catch((error: unknown) => [
      { kind: "other", text: error instanceof Error ? (error.stack ?? error.message) : String(error) }
    ])
  }

  /** Checks that everything ever acknowledged still exists, and that a graceful stop leaves nothing behind. */
  async end(): Promise<ReadonlyArray<Fault>> {
    try {
      const faults = await this.#check(true)
      await this.#server.end("SIGTERM")
      const left = [
        ...processesOfRun(this.#server, this.#marker).map((each) => `process ${each.pid}: ${each.command}`),
        ...filesIn(this.#server.temporaryFolder),
        ...filesIn(join(this.#server.dataDirectory, "instances"))
      ]
      return [...faults, ...left.map((what) => ({ kind: "orphan" as const, text: `left after a stop: ${what}` }))]
    } finally {
      await this.abandon()
    }
  }

  /** Stops all processes and removes all files. */
  async abandon(): Promise<void> {
    await this.#server.end("SIGKILL")
    for (const { pid } of processesOfRun(this.#server, this.#marker)) {
      try {
        process.kill(pid, "SIGKILL")
      } catch {
        // It has exited by itself.
      }
    }
    this.#server.remove()
    this.#source.remove()
  }
}
