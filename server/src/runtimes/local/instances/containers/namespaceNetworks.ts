import { createHash } from "node:crypto"
import { existsSync, rmSync, writeFileSync } from "node:fs"
import { isIPv4 } from "node:net"
import { networkInterfaces } from "node:os"
import { join } from "node:path"
import { isAddressIn } from "@maxcloud/config-schema"
import type { ContainerEngine } from "../../../../base/host/containerEngine.ts"
import { type ContainerHost, InstanceFailed, type NetworkOwner } from "../Instance.ts"
import { dataDirectoryLabel } from "./labels.ts"

export interface NamespaceNetwork extends ContainerHost {
  /** Arguments with which `run` puts a container into the network. */
  readonly runArgs: ReadonlyArray<string>
}

const plain = (address: string) => (address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address)

const interfaces = () => Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
const ownAddresses = () => interfaces().map(({ address }) => address)
const isOwn = (address: string) =>
  plain(address).startsWith("127.") || address === "::1" || ownAddresses().includes(plain(address))

/** Names by which engines lead a container to this machine. Point them to a broadcast address, where connections fail at once. */
const helperNames = [
  "host.containers.internal",
  "host.docker.internal",
  "gateway.docker.internal",
  "kubernetes.docker.internal"
]
const nowhere = "255.255.255.255"
const refusedNames = helperNames.flatMap((name) => ["--add-host", `${name}:${nowhere}`])

const subnetFormat = {
  podman: "{{range .Subnets}}{{.Subnet}} {{.Gateway}}\n{{end}}",
  docker: "{{range .IPAM.Config}}{{.Subnet}} {{.Gateway}}\n{{end}}"
} as const

/** Docker isolates its bridge networks by default; podman needs an option. */
const apart = { podman: ["--opt", "isolate=true"], docker: [] } as const

const networkFailed = (message: string) =>
  new InstanceFailed({ reason: "CannotStart", message: `${message.trim().slice(0, 500)}`, retryable: true })

const notSeparated = new InstanceFailed({
  reason: "CannotStart",
  message:
    "This container engine (rootless, or in a virtual machine) can't keep organizations apart, and containers of another organization run here. Use podman or docker as root on Linux, or one server for each organization.",
  retryable: false
})

export interface NamespaceNetworks {
  /** Why no container of this namespace may run here, if so: the engine can't separate it from another organization's. */
  readonly refusal: (engine: ContainerEngine, owner: NetworkOwner) => InstanceFailed | undefined
  /** Creates the namespace's network if it is missing. Rejects with an `InstanceFailed`. */
  readonly of: (engine: ContainerEngine, owner: NetworkOwner) => Promise<NamespaceNetwork>
  /** Has a server of this data folder created networks that may still exist? */
  readonly some: () => boolean
  /** Removes the network of a namespace whose containers are gone. */
  readonly remove: (engine: ContainerEngine, owner: NetworkOwner) => Promise<void>
  /** Removes all networks created by a server of this data folder. */
  readonly clean: (engine: ContainerEngine) => Promise<void>
}

/** One network of the engine for each namespace, identified by a label, so that no organization's containers reach another's. */
export const makeNamespaceNetworks = (dataDirectoryId: string, dataDirectory: string): NamespaceNetworks => {
  // This file exists while networks may exist, so that a server without containers needn't ask an engine.
  const mark = join(dataDirectory, "container-networks")
  const known = new Map<string, { readonly organizationId: string; readonly network: Promise<NamespaceNetwork> }>()
  const label = `${dataDirectoryLabel}=${dataDirectoryId}`
  const nameOf = ({ namespace, organizationId }: NetworkOwner) =>
    `maxcloud-${dataDirectoryId}-${createHash("sha256").update(`${organizationId}\0${namespace}`).digest("hex").slice(0, 16)}`

  const subnetOf = async (engine: ContainerEngine, name: string) => {
    const { stdout } = await engine.run(["network", "inspect", "--format", subnetFormat[engine.name], "--", name])
    return stdout.split("\n").flatMap((line) => {
      const [subnet = "", gateway = ""] = line.trim().split(" ")
      const [address = ""] = gateway.split("/")
      return isIPv4(address) ? [{ subnet, gateway: address }] : []
    })[0]
  }

  const make = async (engine: ContainerEngine, name: string): Promise<NamespaceNetwork> => {
    let found = await subnetOf(engine, name)
    if (found === undefined) {
      writeFileSync(mark, "")
      const made = await engine.run(["network", "create", "--label", label, ...apart[engine.name], name])
      found = await subnetOf(engine, name)
      if (found === undefined)
        throw networkFailed(`The container engine couldn't create a network for the namespace: ${made.stderr}`)
    }
    const { gateway, subnet } = found
    const runArgs = ["--network", name, ...refusedNames]
    if (!engine.separateNetwork)
      return {
        address: gateway,
        bind: () => (ownAddresses().includes(gateway) ? gateway : "0.0.0.0"),
        accepts: (remoteAddress) => isAddressIn(plain(remoteAddress), subnet),
        runArgs
      }
    // The container is behind address translation, so its connections come from this machine itself.
    if (process.platform === "linux") {
      const outward = interfaces().find(({ family, internal }) => family === "IPv4" && !internal)?.address
      return { address: outward ?? "127.0.0.1", bind: () => "0.0.0.0", accepts: isOwn, runArgs }
    }
    // A virtual machine maps its helper name to this machine's loopback, the only way to a linked service.
    const helper = engine.name === "docker" ? "host.docker.internal" : "host.containers.internal"
    return { address: helper, bind: () => "127.0.0.1", accepts: isOwn, runArgs: ["--network", name] }
  }

  const refusal = (engine: ContainerEngine, { organizationId }: NetworkOwner) =>
    engine.separateNetwork && [...known.values()].some((each) => each.organizationId !== organizationId)
      ? notSeparated
      : undefined

  return {
    refusal,
    of: (engine, owner) => {
      const { organizationId } = owner
      const refused = refusal(engine, owner)
      if (refused !== undefined) return Promise.reject(refused)
      const name = nameOf(owner)
      const network = known.get(name)?.network ?? make(engine, name)
      known.set(name, { organizationId, network })
      network.catch(() => known.delete(name))
      return network
    },
    some: () => existsSync(mark),
    remove: async (engine, owner) => {
      const name = nameOf(owner)
      known.delete(name)
      await engine.run(["network", "rm", "--", name])
    },
    clean: async (engine) => {
      const { code, stdout } = await engine.run(["network", "ls", "--quiet", "--filter", `label=${label}`])
      const names = stdout.split("\n").filter((name) => name !== "")
      const removed = names.length === 0 ? 0 : (await engine.run(["network", "rm", "--", ...names])).code
      if (code === 0 && removed === 0) rmSync(mark, { force: true })
    }
  }
}
