import { mkdtemp, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ObjectKind } from "@maxcloud/config-schema"
import { Effect } from "effect"
import { defaultNamespacePrefix } from "../../src/base/words/namespacePrefix.ts"
import { install } from "../../src/operator/cluster/install.ts"
import { kubeconfigOf, serverToken } from "../../src/operator/cluster/serverKubeconfig.ts"
import { readCredentials } from "../../src/runtimes/kubeApi/connect.ts"
import { layer } from "../../src/runtimes/kubeApi/HttpKubeApi.ts"

/** The administrator's credentials from the environment (KUBECONFIG). */
export const adminSource = { type: "standard" } as const

/** The administrator's connection to the cluster. */
export const adminApi = layer({ source: adminSource })

/** Brings roles, admission policies and the scratch namespace up to date. `objects`: kinds that apps may bring themselves. */
export const installParts = (objects?: ReadonlyArray<ObjectKind>) =>
  install({
    image: undefined,
    domain: undefined,
    namespacePrefix: defaultNamespacePrefix,
    objects,
    keepKnativeSettings: true,
    dryRun: false,
    force: true,
    onStep: () => undefined
  })

const make = Effect.gen(function* () {
  yield* installParts()
  const { token } = yield* serverToken(3600)
  const text = kubeconfigOf(yield* readCredentials(adminSource), token)
  return yield* Effect.promise(async () => {
    const path = join(await mkdtemp(join(tmpdir(), "maxcloud-server-")), "kubeconfig")
    await writeFile(path, text, { mode: 0o600 })
    return path
  })
})

let made: Promise<string> | undefined

/**
 * Writes a kubeconfig with the server's own rights, not the administrator's, under which tests run the server's work. If
 * necessary, first installs roles, admission policies and the scratch namespace as administrator of KUBECONFIG. Its token is
 * valid for an hour.
 */
export const serverKubeconfig = (): Promise<string> => {
  made ??= Effect.runPromise(Effect.provide(make, adminApi))
  return made
}
