import { Predicate } from "effect"
import type { SpecIssue } from "./specIssues.ts"

const path = ["env", "PORT"] as const

const portOf = (value: unknown): number | undefined => {
  const port = typeof value === "string" && /^[1-9]\d{0,4}$/.test(value) ? Number(value) : value
  return typeof port === "number" && Number.isInteger(port) && port >= 1 && port <= 65_535 ? port : undefined
}

/**
 * A service whose `env` has `PORT`, as many images document it, has that port: the platform gives the program its port as `PORT`. Another
 * `port` beside it is a conflict. Gives the service without `PORT`, and what is wrong with it.
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
    const message = `PORT is ${meant} here, and \`port\` is another. Remove one of them: both set the port that the program listens on.`
    return { service: { ...service, env }, issues: [{ path, message, code: "conflict" }] }
  }
  return { service: { ...service, env, port: meant }, issues: [] }
}
