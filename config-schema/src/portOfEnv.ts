import { Predicate } from "effect"
import type { SpecIssue } from "./specIssues.ts"

const path = ["env", "PORT"] as const

const portOf = (value: unknown): number | undefined => {
  const port = typeof value === "string" && /^[1-9]\d{0,4}$/.test(value) ? Number(value) : value
  return typeof port === "number" && Number.isInteger(port) && port >= 1 && port <= 65_535 ? port : undefined
}

/**
 * Uses `PORT` in `env` as the service's port, since many images document `PORT` and the platform passes the port as `PORT`. A different `port`
 * beside it is a conflict. Returns the service without `PORT`, and its mistakes.
 */
export const withPortOfEnv = (
  service: unknown
): { readonly service: unknown; readonly issues: ReadonlyArray<SpecIssue> } => {
  if (!Predicate.isRecord(service) || !Predicate.isRecord(service["env"]) || !Object.hasOwn(service["env"], "PORT")) {
    return { service, issues: [] }
  }
  const { PORT, ...env } = service["env"]
  const { port } = service
  const meant = portOf(PORT)
  if (meant === undefined) {
    const message = 'PORT isn\'t a port. Set a whole number from 1 to 65535, such as "3000".'
    return { service: { ...service, env }, issues: [{ path, message, code: "invalid_value" }] }
  }
  if (port !== undefined && port !== "auto" && port !== meant) {
    const message = `PORT is ${meant} here, but \`port\` is different. Both set the port that the program listens on, so remove one of them.`
    return { service: { ...service, env }, issues: [{ path, message, code: "conflict" }] }
  }
  return { service: { ...service, env, port: meant }, issues: [] }
}
