import { setTimeout as sleep } from "node:timers/promises"
import type { ServerProcess } from "../../server/test/serverProcess.ts"
import type { Acknowledged } from "./Acknowledged.ts"
import { steadyApp } from "./load.ts"
import { straysOf } from "./strays.ts"

export interface Fault {
  readonly kind: "lost" | "orphan" | "database" | "other"
  readonly text: string
}

const patienceMs = 120_000
/** More than one data folder's service writes. */
const mostLines = 10_000

/** Asks until no fault is left. After the timeout, returns the last faults. */
const settled = async (ask: () => Promise<ReadonlyArray<string>>): Promise<ReadonlyArray<string>> => {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const said = await ask().catch((error: unknown) => [String(error)])
    if (said.length === 0 || performance.now() > deadline) return said
    await sleep(50)
  }
}

/** Retries while the server doesn't respond: its database may be starting. */
const patiently = async <A>(ask: () => Promise<A>): Promise<A> => {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await sleep(50)
    }
  }
}

/** Accepted deployments that are missing, didn't finish, or failed. Only the kill can have caused a failure. */
const lostDeployments = async (server: ServerProcess, acknowledged: Acknowledged) => {
  const { client } = server
  const failed: Array<string> = []
  const open = await settled(async () => {
    const said: Array<string> = []
    for (const id of acknowledged.open) {
      const { services, status } = await client.deployments.get(id)
      const { message, state } = status
      if (["succeeded", "superseded", "failed"].includes(state)) acknowledged.deployments.set(id, state)
      else said.push(`deployment ${id} didn't finish: ${state}`)
      if (state === "failed") {
        failed.push(`deployment ${id} failed: ${[message, ...services.map((service) => service.message)].join("; ")}`)
      }
    }
    return said
  })
  return [...open, ...failed]
}

const wrongAnswers = (server: ServerProcess, acknowledged: Acknowledged) =>
  settled(async () => {
    const said: Array<string> = []
    for (const [app, changes] of acknowledged.apps) {
      const { body, status } = await server.ask(`${app}--local.localhost`)
      const version = status === 404 ? undefined : status === 200 ? body : `${status} ${body}`
      if (!changes.allows(version)) said.push(`${app} responds with ${version ?? "404"} instead of ${changes.expected}`)
    }
    return said
  })

const lostSecrets = async (server: ServerProcess, acknowledged: Acknowledged) => {
  if (acknowledged.secrets.length === 0) return []
  const listed = await patiently(() => server.client.secrets.list(steadyApp))
  const names = new Set<string>(listed.map((each) => each.name))
  return acknowledged.secrets.filter((secret) => !names.has(secret)).map((name) => `the secret ${name} is missing`)
}

const lostLines = async (server: ServerProcess, acknowledged: Acknowledged) => {
  const kept = await patiently(async () => {
    const lines = new Set<string>()
    for await (const { line } of server.client.logs(steadyApp, { tail: mostLines })) lines.add(line)
    return lines
  })
  return [...acknowledged.lines].filter((line) => !kept.has(line)).map((line) => `the line "${line}" is missing`)
}

const changedStates = async (server: ServerProcess, acknowledged: Acknowledged) => {
  const said: Array<string> = []
  for (const [id, state] of acknowledged.deployments) {
    const now = await server.client.deployments.get(id).then(
      (found) => found.status.state,
      (error: unknown) => String(error)
    )
    if (now !== state) said.push(`deployment ${id} was ${state}, and now is ${now}`)
  }
  return said
}

/** Finds what a running server has lost or left behind, compared with its acknowledgements. `all` also checks deployments that finished earlier. */
export const check = async (
  server: ServerProcess,
  acknowledged: Acknowledged,
  marker: string,
  all = false
): Promise<ReadonlyArray<Fault>> => {
  const lost = [
    ...(await lostDeployments(server, acknowledged)),
    ...(await wrongAnswers(server, acknowledged)),
    ...(await lostSecrets(server, acknowledged)),
    ...(await lostLines(server, acknowledged)),
    ...(all ? await changedStates(server, acknowledged) : [])
  ]
  const services = (await patiently(() => server.client.services.list())).length
  const orphans = await settled(async () => straysOf(server, marker, services))
  return [
    ...lost.map((text) => ({ kind: "lost" as const, text })),
    ...orphans.map((text) => ({ kind: "orphan" as const, text }))
  ]
}
