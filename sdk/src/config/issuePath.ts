import type { SpecIssue } from "@maxcloud/config-schema"

const child = (value: unknown, key: string | number): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined

/** A readable path, with services by name: `services.api.port`, or `services[0].port` if a service has no name. */
export const readablePath = (spec: unknown, path: SpecIssue["path"]): string => {
  const [first, index, ...rest] = path
  if (first === "services" && typeof index === "number") {
    const name = child(child(child(spec, "services"), index), "name")
    if (typeof name === "string" && name !== "") return ["services", name, ...rest].join(".")
  }
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`
    return text === "" ? part : `${text}.${part}`
  }, "")
}
