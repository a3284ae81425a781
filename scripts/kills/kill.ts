import { setTimeout as sleep } from "node:timers/promises"
import type { ServerProcess } from "../../server/test/serverProcess.ts"
import { type Draws, pick } from "./draws.ts"
import { processesOfRun } from "./strays.ts"

/** The targets of kills, each with its share in percent. */
export const kinds = {
  "the server": 40,
  "the server while it starts": 12,
  "the server while it stops": 8,
  "the server and its database": 12,
  "the server, its database and all instances": 10,
  "its database": 10,
  "an instance": 8
} as const
export type Kind = keyof typeof kinds

const isKind = (name: string): name is Kind => name in kinds
const weights = Object.entries(kinds).flatMap(([kind, weight]) => (isKind(kind) ? [[kind, weight] as const] : []))

export const kindOf = (draws: Draws, round: number): Kind => pick(draws(round, "kind"), weights)

/** Does the server survive this kill? */
export const survives = (kind: Kind): boolean => kind === "its database" || kind === "an instance"

const killAll = (pids: ReadonlyArray<number>): void => {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL")
    } catch {
      // It has exited by itself.
    }
  }
}

const killDatabase = (server: ServerProcess) => killAll([server.postgresPid ?? []].flat())

/** Sends SIGKILL to the target that `kind` names, and returns when it has exited. */
export const kill = async (
  kind: Kind,
  { draws, marker, round, server }: { server: ServerProcess; marker: string; draws: Draws; round: number }
): Promise<void> => {
  switch (kind) {
    case "the server":
      return server.end("SIGKILL")
    case "the server while it starts":
      await server.end("SIGKILL")
      await server.start(false)
      await sleep(draws(round, "starting") * 1_000)
      return server.end("SIGKILL")
    case "the server while it stops":
      process.kill(server.pid, "SIGTERM")
      await sleep(draws(round, "stopping") * 500)
      return server.end("SIGKILL")
    case "the server and its database":
      killDatabase(server)
      return server.end("SIGKILL")
    case "the server, its database and all instances":
      killAll([server.pid, ...processesOfRun(server, marker).map((each) => each.pid)])
      return server.end("SIGKILL")
    case "its database":
      return killDatabase(server)
    case "an instance": {
      const instances = processesOfRun(server, marker).filter((each) => each.of === "instance")
      killAll(
        instances
          .slice(Math.floor(draws(round, "instance") * instances.length))
          .slice(0, 1)
          .map((instance) => instance.pid)
      )
    }
  }
}
