import { defaultPort } from "@maxcloud/config-schema"

/** Ports for tools beside the program: an open one doesn't show where the program answers. */
export const toolPorts: ReadonlyArray<number> = [2112, 4040, 5005, 6060, 9100, 9229, 9464, 9901, 15_000, 15_020]
/** Ports usually used for TLS: a service gets plain HTTP. */
const tlsPorts: ReadonlyArray<number> = [443, 4443, 6443, 8443, 9443]
/** The maximum number of published ports. */
const most = 8

const rank = (port: number) => (port === defaultPort ? 0 : port === 80 ? 1 : 2)

/**
 * The exposed ports (`80/tcp`) where an image may answer HTTP, the likeliest first: 8080, then 80, then the others.
 * Ports for tools (a debugger, metrics) and for TLS count only if there are no others. Empty if the image exposes
 * nothing.
 */
export const portsOfExposed = (exposed: ReadonlyArray<string>): ReadonlyArray<number> => {
  const ports = exposed
    .flatMap((value) => /^(\d{1,5})(?:\/tcp)?$/.exec(value)?.[1] ?? [])
    .map(Number)
    .filter((value) => value >= 1 && value <= 65_535)
  const plain = ports.filter((port) => !toolPorts.includes(port) && !tlsPorts.includes(port))
  const candidates = [...new Set(plain.length === 0 ? ports : plain)]
  return candidates.sort((one, other) => rank(one) - rank(other) || one - other).slice(0, most)
}

/** The likeliest one, if only one can be used. */
export const portOfExposed = (exposed: ReadonlyArray<string>): number => portsOfExposed(exposed)[0] ?? defaultPort
