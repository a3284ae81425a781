import { describe, expect, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"
import { readSettings } from "../../base/settings/ServerConfig.ts"
import { chooseRuntime } from "./runtimes.ts"

const choose = (environment: Readonly<Record<string, string>>) =>
  Effect.flatMap(readSettings(), chooseRuntime).pipe(
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(environment))))
  )

describe("the runtime of a server", () => {
  it.effect.each([
    [{}, "local"],
    [{ MAXCLOUD_KUBECONFIG: "/etc/cluster" }, "kubernetes"],
    [{ KUBECONFIG: "/etc/cluster" }, "kubernetes"],
    [{ MAXCLOUD_RUNTIME: "local", MAXCLOUD_KUBECONFIG: "/etc/cluster" }, "local"],
    [{ MAXCLOUD_RUNTIME: "kubernetes" }, "kubernetes"]
  ] as ReadonlyArray<readonly [Record<string, string>, string]>)("with %o is %s", ([environment, name]) =>
    Effect.gen(function* () {
      expect((yield* choose(environment)).name).toBe(name)
    })
  )

  it.effect.each([
    [{ MAXCLOUD_RUNTIME: "nomad" }, /^MAXCLOUD_RUNTIME: "nomad" isn't a runtime. Use one of kubernetes, local$/],
    [{ MAXCLOUD_RUNTIME: "local", MAXCLOUD_EXTERNAL_SECRET_STORE: "vault" }, /run on this machine.*MAXCLOUD_KUBECONFIG/]
  ] as ReadonlyArray<readonly [Record<string, string>, RegExp]>)("is refused with %o", ([environment, message]) =>
    Effect.gen(function* () {
      expect((yield* Effect.flip(choose(environment))).message).toMatch(message)
    })
  )
})
