import type { ObjectKind } from "@maxcloud/config-schema"
import type { CheckInput, ClusterChoice, InstallInput } from "./commands.ts"

const commands = () => import("./commands.ts")

/** A cluster administrator's one-time commands. Loaded only on call, since a running server doesn't need them. */
export const cluster = {
  install: async (choice: ClusterChoice, input: InstallInput) => (await commands()).install(choice, input),
  check: async (choice: ClusterChoice, input: CheckInput) => (await commands()).check(choice, input),
  manifests: async (input: {
    readonly image: string | undefined
    readonly server?: boolean | undefined
    readonly namespacePrefix?: string | undefined
    readonly objects?: ReadonlyArray<ObjectKind> | undefined
  }) => (await commands()).manifests(input),
  readObjectKinds: async (written: string) => (await commands()).readObjectKinds(written),
  readNamespacePrefix: async (written: string) => (await commands()).readNamespacePrefix(written),
  kubeconfig: async (choice: ClusterChoice, seconds: number) => (await commands()).kubeconfig(choice, seconds)
}
