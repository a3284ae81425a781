import type { EventObject } from "../cache/objects.ts"
import { queueProxy } from "../queueProxy.ts"

export interface Pull {
  readonly id: string
  readonly at: Date
  readonly namespace: string
  readonly pod: string
  readonly image: string
  readonly digest: string | null
  readonly milliseconds: number
}

/** The kubelet's text: `Successfully pulled image "IMAGE" in 1.2s (1.5s including waiting). Image size: 3 bytes.` */
const pulled =
  /^Successfully pulled image "([^"\s]{1,1024})" in ([0-9hmsµn.]{1,40}) \(([0-9hmsµn.]{1,40}) including waiting\)/

const units = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1, µs: 0.001, ns: 0.000_001 } as const
const isUnit = (text: string): text is keyof typeof units => Object.hasOwn(units, text)

/** Milliseconds of a duration as Go writes it, such as `1m2.5s`. */
export const goMillis = (text: string): number | undefined => {
  let millis = 0
  let length = 0
  for (const [whole, amount = "", unit = ""] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|µs|ns)/g)) {
    if (!isUnit(unit)) return undefined
    millis += Number(amount) * units[unit]
    length += whole.length
  }
  return length === text.length && length > 0 && Number.isFinite(millis) ? Math.round(millis) : undefined
}

/** The pull that an event reports, with the wait for other pulls. Undefined for an image that was there, and for queue-proxy's. */
export const pullOf = ({
  eventTime,
  involvedObject,
  lastTimestamp,
  message,
  metadata,
  reason
}: EventObject): Pull | undefined => {
  const [, name = "", , waited = ""] = pulled.exec(message) ?? []
  const milliseconds = goMillis(waited)
  const at = Date.parse(lastTimestamp ?? eventTime ?? metadata.creationTimestamp)
  if (reason !== "Pulled" || involvedObject.kind !== "Pod" || milliseconds === undefined || Number.isNaN(at))
    return undefined
  if (involvedObject.fieldPath.includes(`{${queueProxy}}`)) return undefined
  const [image = "", digest = null] = name.split("@")
  return {
    id: metadata.uid,
    at: new Date(at),
    namespace: metadata.namespace,
    pod: involvedObject.name,
    image,
    digest,
    milliseconds
  }
}
