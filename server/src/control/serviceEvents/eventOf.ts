import type { ServiceId } from "@maxcloud/sdk/api"
import type { Happening } from "../../runtimes/port/Happening.ts"
import type { NewEvent } from "../../tenancy/events/recordEvents.ts"

/** One event of several happenings of the same kind to the same service, oldest first. `more`: how many others there were. */
export const eventOf = (
  service: ServiceId,
  happenings: readonly [Happening, ...ReadonlyArray<Happening>],
  more = 0
): NewEvent => {
  const [first, ...rest] = happenings
  const last = rest.reduce((newest, each) => (each.at >= newest.at ? each : newest), first)
  const { app, service: name, stage } = last.key
  const common = { app, stage, service, name }
  const count = happenings.length + more
  const subject = `services/${service}`
  if (last.type === "instance.restarted") return { type: last.type, subject, data: { ...common, ...last.facts, count } }
  if (last.type === "instance.evicted") return { type: last.type, subject, data: { ...common, ...last.facts, count } }
  const slowest = happenings.reduce(
    (most, each) => (each.type === "image.pulled" ? Math.max(most, each.facts.milliseconds) : most),
    0
  )
  return { type: last.type, subject, data: { ...common, ...last.facts, milliseconds: slowest, count } }
}
