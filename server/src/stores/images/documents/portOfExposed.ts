import { defaultPort } from "@maxcloud/config-schema"

/** Ports for tools beside the program: an open one doesn't show where the program answers. */
export const toolPorts: ReadonlyArray<number> = [2112, 4040, 5005, 6060, 9100, 9229, 9464, 9901, 15_000, 15_020]
/** Ports usually used for TLS: a service gets plain HTTP. */
const tlsPorts: ReadonlyArray<number> = [443, 4443, 6443, 8443, 9443]
/** The maximum number of ports that are checked for HTTP. */
const most = 8
/** The maximum number of an image's ports that the local runtime publishes. */
const mostExposed = 32

const rank = (port: number) => (port === defaultPort ? 0 : port === 80 ? 1 : 2)

/** The TCP ports in ascending order. A value is `80`, `80/tcp`, or a range such as `9000-9003/tcp`: podman keeps what `EXPOSE` says. */
const tcpPortsOf = (exposed: ReadonlyArray<string>): ReadonlyArray<number> => {
  const ranges = exposed.flatMap((value) => {
    const [, from, to = from] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/tcp)?$/.exec(value) ?? []
    return from === undefined ? [] : [{ from: Number(from), to: Math.min(65_535, Number(to)) }]
  })
  const ports: Array<number> = []
  let next = 1
  // Each port once, however often ranges repeat it.
  for (const { from, to } of ranges.sort((one, other) => one.from - other.from)) {
    for (next = Math.max(next, from); next <= to; next++) ports.push(next)
  }
  return ports
}

/** The exposed TCP ports that the local runtime publishes, the lowest first. */
export const exposedPorts = (exposed: ReadonlyArray<string>): ReadonlyArray<number> =>
  tcpPortsOf(exposed).slice(0, mostExposed)

/**
 * The exposed ports (`80/tcp`) where an image may answer HTTP, the likeliest first: 8080, then 80, then the others.
 * Ports for tools (a debugger, metrics) and for TLS count only if there are no others. Empty if the image exposes
 * nothing.
 */
export const portsOfExposed = (exposed: ReadonlyArray<string>): ReadonlyArray<number> => {
  const ports = tcpPortsOf(exposed)
  const plain = ports.filter((port) => !toolPorts.includes(port) && !tlsPorts.includes(port))
  const candidates = plain.length === 0 ? ports : plain
  return candidates.toSorted((one, other) => rank(one) - rank(other) || one - other).slice(0, most)
}

/** The likeliest one, if only one can be used. */
export const portOfExposed = (exposed: ReadonlyArray<string>): number => portsOfExposed(exposed)[0] ?? defaultPort
