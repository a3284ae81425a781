import { mkdtempSync, rmSync } from "node:fs"
import { networkInterfaces, tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Schema } from "effect"
import type { ContainerEngine } from "../../../../base/host/containerEngine.ts"
import { makeNamespaceNetworks } from "./namespaceNetworks.ts"

const organization = (digit: string) => Schema.decodeSync(OrganizationId)(`org_${digit.padStart(32, "0")}`)
const mine = { organizationId: organization("1"), namespace: "mine" }
const theirs = { organizationId: organization("2"), namespace: "theirs" }

/** A fake engine that only knows networks. */
const engineOf = (name: "docker" | "podman", separateNetwork: boolean) => {
  const made = new Map<string, ReadonlyArray<string>>()
  const engine: ContainerEngine = {
    name,
    architecture: "amd64",
    forwards: true,
    separateNetwork,
    run: async (args) => {
      const last = args.at(-1) ?? ""
      if (args[1] === "create") made.set(last, args)
      const number = [...made.keys()].indexOf(last)
      const found = args[1] === "inspect" && number !== -1
      return { code: 0, stdout: found ? `10.89.${number}.0/24 10.89.${number}.1\n\n` : "", stderr: "" }
    }
  }
  return { engine, made }
}

describe("networks of namespaces", () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "networks-"))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it("are separate for each organization and namespace, and accept only their own containers", async () => {
    const { engine, made } = engineOf("podman", false)
    const networks = makeNamespaceNetworks("data", folder)
    const [one, two] = [await networks.of(engine, mine), await networks.of(engine, theirs)]
    await networks.of(engine, mine)
    expect(made.size).toBe(2)
    for (const args of made.values()) expect(args).toContain("isolate=true")
    expect([...made.keys()].join()).not.toMatch(/mine|theirs/)
    expect([one.accepts("10.89.0.7"), one.accepts("::ffff:10.89.0.7"), two.accepts("10.89.1.7")]).toEqual([
      true,
      true,
      true
    ])
    expect(["10.89.1.7", "127.0.0.1", "10.88.0.1", "::1"].filter(one.accepts)).toEqual([])
    expect(networks.some()).toBe(true)
    expect(networks.refusal(engine, theirs)).toBeUndefined()
  })

  it("refuse a second organization if the engine can't separate them, until the first has gone", async () => {
    for (const name of ["podman", "docker"] as const) {
      const { engine } = engineOf(name, true)
      const networks = makeNamespaceNetworks("data", folder)
      await networks.of(engine, mine)
      await networks.of(engine, { ...mine, namespace: "staging--mine" })
      expect(networks.refusal(engine, theirs)?.message).toContain("can't keep organizations apart")
      await expect(networks.of(engine, theirs)).rejects.toMatchObject({ reason: "CannotStart", retryable: false })
      await networks.remove(engine, mine)
      await expect(networks.of(engine, theirs)).rejects.toMatchObject({ reason: "CannotStart" })
      await networks.remove(engine, { ...mine, namespace: "staging--mine" })
      expect((await networks.of(engine, theirs)).runArgs).toContain("--network")
    }
  })

  it.runIf(process.platform === "linux")(
    "don't lead to this machine by a helper name if the engine is rootless",
    async () => {
      for (const name of ["podman", "docker"] as const) {
        const { address, runArgs } = await makeNamespaceNetworks("data", folder).of(engineOf(name, true).engine, mine)
        for (const helper of ["host.containers.internal", "host.docker.internal"])
          expect(runArgs).toContain(`${helper}:255.255.255.255`)
        // An outward address: services on loopback, such as the API, don't listen there.
        const outward = Object.values(networkInterfaces())
          .flatMap((networkInterface) => networkInterface ?? [])
          .filter((each) => !each.internal)
        if (outward.length > 0) expect(outward.map((each) => each.address)).toContain(address)
      }
    }
  )
})
