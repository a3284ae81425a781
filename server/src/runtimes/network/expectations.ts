import { isAddressIn, linksOf, type ServiceName, type ServiceSpec } from "@maxcloud/config-schema"
import type { NetworkProbe } from "@maxcloud/sdk/api"
import { type EgressRules, ipBlocksOf } from "@maxcloud/synth"
import type { ProbeTarget } from "./probe.ts"
import type { ClosedTarget } from "./systemParts.ts"

/** A service that may be called, wherever it is. */
export interface Callee {
  /** Its name in the report. */
  readonly to: string
  /** Undefined if it belongs to another organization. */
  readonly service: ServiceName | undefined
  readonly namespace: string
  /** Its cluster-local name, which is also its Host at the internal gateway. */
  readonly host: string
  /** Address of a running instance. */
  readonly podAddress: string | undefined
}

export interface Surroundings {
  readonly callees: ReadonlyArray<Callee>
  /** An address on the internet that should answer, as `address:port`; undefined: skip the test. */
  readonly internet: { readonly host: string; readonly port: number } | undefined
  /** The platform's rules about ranges. */
  readonly rules: EgressRules
  /** Targets that are closed to every service. */
  readonly closed: ReadonlyArray<ClosedTarget>
}

/** One attempt of one service, and the config's rule about it. */
export interface Expectation {
  readonly probe: Pick<NetworkProbe, "from" | "to" | "by"> & Pick<ProbeTarget, "expected">
  readonly target: Omit<ProbeTarget, "id" | "expected">
}

/** The address at which every pod reaches Kourier's listener for cluster-local hosts. */
export const internalGateway = "kourier-internal.kourier-system.svc.cluster.local"
/** Port of queue-proxy, which is in front of the program (knative/serving, pkg/networking). */
const requestsPort = 8012

/** Does this `egress` open an IPv4 address? */
export const isOpened = (egress: ServiceSpec["egress"], address: string, rules: EgressRules = {}): boolean =>
  ipBlocksOf(egress, rules).some(
    ({ cidr, except = [] }) => isAddressIn(address, cidr) && !except.some((value) => isAddressIn(address, value))
  )

/**
 * The targets that a service's pods should and shouldn't reach, from the config alone. They should reach linked services through
 * the gateway, DNS, and the targets that `egress` opens. They shouldn't reach anything else: no instance directly, no other
 * organization, nothing that is closed to everybody.
 */
export const expectationsOf = (
  service: ServiceSpec,
  { callees, closed, internet, rules }: Surroundings
): ReadonlyArray<Expectation> => {
  const links = new Set(linksOf(service))
  const from = service.name
  const never = (to: string, by: NetworkProbe["by"], target: Expectation["target"]): Expectation => ({
    probe: { from, to, by, expected: "denied" },
    target
  })
  const ofCallee = ({ host, podAddress, service: name, to }: Callee): ReadonlyArray<Expectation> => {
    const expected = name !== undefined && links.has(name) ? "allowed" : "denied"
    return [
      { probe: { from, to, by: "url", expected }, target: { way: "http", host, port: 80 } },
      {
        probe: { from, to, by: "host", expected },
        target: { way: "http", host: internalGateway, port: 80, hostHeader: host }
      },
      ...(podAddress === undefined
        ? []
        : [never(to, "pod", { way: "http", host: podAddress, port: requestsPort, hostHeader: host })])
    ]
  }
  return [
    ...callees.flatMap(ofCallee),
    ...closed.map((each) => never(each.to, each.by, each.target)),
    {
      probe: { from, to: "DNS", by: "address", expected: "allowed" },
      target: { way: "dns", host: internalGateway, port: 53 }
    },
    ...(internet === undefined
      ? []
      : [
          {
            probe: {
              from,
              to: "internet",
              by: "address",
              expected: isOpened(service.egress, internet.host, rules) ? "allowed" : "denied"
            },
            target: { way: "tcp", ...internet }
          } as const
        ])
  ]
}
