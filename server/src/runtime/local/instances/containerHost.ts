import { isIPv4 } from "node:net"
import { networkInterfaces } from "node:os"
import type { ContainerEngine } from "./containerEngine.ts"

/** How a container reaches a listener of this machine. */
export interface ContainerHost {
  /** The name or address that a container uses: `http://<address>:<port>`. */
  readonly address: string
  /**
   * The address on which the listener has to listen. `127.0.0.1` where the engine leads there; the bridge's own address
   * where it exists already; else `0.0.0.0`, since the engine makes its bridge with the first container only.
   */
  readonly bind: () => string
  /** Is a connection from this address one of a container or of this machine? A listener on `0.0.0.0` has to hang up on all others. */
  readonly accepts: (remoteAddress: string) => boolean
  /** What `run` needs so that the address is known inside. */
  readonly runArgs: ReadonlyArray<string>
}

const plain = (address: string) => (address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address)

const toNumber = (address: string) => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0)

const contains = (subnet: string, address: string): boolean => {
  const [network = "", bits = "32"] = subnet.split("/")
  if (!isIPv4(network) || !isIPv4(address)) return false
  const size = 2 ** (32 - Number(bits))
  return Math.floor(toNumber(network) / size) === Math.floor(toNumber(address) / size)
}

const ownAddresses = () =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .map(({ address }) => address)

const bridgeFormat = {
  podman: ["podman", "{{range .Subnets}}{{.Subnet}} {{.Gateway}}\n{{end}}"],
  docker: ["bridge", "{{range .IPAM.Config}}{{.Subnet}} {{.Gateway}}\n{{end}}"]
} as const

/** Finds how containers of the engine, in its default network, reach a listener of this machine. */
export const containerHost = async (engine: ContainerEngine): Promise<ContainerHost> => {
  const isOwn = (address: string) =>
    plain(address).startsWith("127.") || address === "::1" || ownAddresses().includes(plain(address))
  if (engine.separateNetwork) {
    const desktop = process.platform !== "linux"
    return {
      address: engine.name === "docker" ? "host.docker.internal" : "host.containers.internal",
      // In a virtual machine the name leads to its host's loopback; rootless on Linux to the machine's first address.
      bind: () => (desktop ? "127.0.0.1" : "0.0.0.0"),
      accepts: isOwn,
      runArgs: engine.name === "docker" && !desktop ? ["--add-host", "host.docker.internal:host-gateway"] : []
    }
  }
  const [network, format] = bridgeFormat[engine.name]
  const inspected = await engine.run(["network", "inspect", network, "--format", format])
  const found = inspected.stdout.split("\n").flatMap((line) => {
    const [subnet = "", gateway = ""] = line.trim().split(" ")
    return isIPv4(gateway) ? [{ subnet, gateway }] : []
  })[0]
  if (found === undefined)
    throw new Error(`The network ${network} of ${engine.name} has no IPv4 gateway: ${inspected.stderr.trim()}`)
  return {
    address: found.gateway,
    bind: () => (ownAddresses().includes(found.gateway) ? found.gateway : "0.0.0.0"),
    accepts: (remoteAddress) => isOwn(remoteAddress) || contains(found.subnet, plain(remoteAddress)),
    runArgs: []
  }
}
