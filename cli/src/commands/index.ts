import type { Command } from "../command.ts"

/** A command's name (of one to three words), what it does in a sentence without a full stop, and its module. */
export interface Entry {
  readonly name: string
  readonly summary: string
  readonly group: "app" | "services" | "stages" | "people" | "local" | "cluster" | "tool"
  readonly load: () => Promise<{ readonly default: Command }>
}

export const groupTitles: Readonly<Record<Entry["group"], string>> = {
  app: "An app",
  services: "Its services",
  stages: "Secrets, registries and deployments",
  people: "Signing in, people, keys and the organization",
  local: "On this machine",
  cluster: "A Kubernetes cluster",
  tool: "This tool"
}

/** All commands. Root help is made from this alone; a command's module is loaded when it is called. */
export const commands: ReadonlyArray<Entry> = [
  { name: "init", group: "app", summary: "Write a maxcloud.config.ts to begin with", load: () => import("./init.ts") },
  { name: "plan", group: "app", summary: "Show what a deploy would change", load: () => import("./plan.ts") },
  { name: "deploy", group: "app", summary: "Deploy the app, or one image", load: () => import("./deploy.ts") },
  { name: "destroy", group: "app", summary: "Remove the whole app of a stage", load: () => import("./destroy.ts") },
  { name: "synth", group: "app", summary: "Print the app's manifests, offline", load: () => import("./synth.ts") },
  {
    name: "export",
    group: "app",
    summary: "Print manifests for any Knative, offline",
    load: () => import("./export.ts")
  },
  {
    name: "config check",
    group: "app",
    summary: "Check the config without sending anything",
    load: () => import("./configCheck.ts")
  },
  { name: "list", group: "services", summary: "List services", load: () => import("./list.ts") },
  { name: "describe", group: "services", summary: "Show a service in full", load: () => import("./describe.ts") },
  { name: "logs", group: "services", summary: "Print a service's logs", load: () => import("./logs.ts") },
  { name: "open", group: "services", summary: "Open a service in the browser", load: () => import("./open.ts") },
  { name: "pause", group: "services", summary: "Stop a service without deleting it", load: () => import("./pause.ts") },
  { name: "resume", group: "services", summary: "End a pause", load: () => import("./resume.ts") },
  {
    name: "restart",
    group: "services",
    summary: "Replace a service's instances by new ones",
    load: () => import("./restart.ts")
  },
  { name: "exec", group: "services", summary: "Run a program in an instance", load: () => import("./exec.ts") },
  { name: "delete", group: "services", summary: "Delete a service", load: () => import("./delete.ts") },
  {
    name: "secrets set",
    group: "stages",
    summary: "Set a secret, its value from stdin or a prompt",
    load: () => import("./secretsSet.ts")
  },
  { name: "secrets list", group: "stages", summary: "List secrets", load: () => import("./secretsList.ts") },
  { name: "secrets unset", group: "stages", summary: "Forget a secret", load: () => import("./secretsUnset.ts") },
  {
    name: "secrets import",
    group: "stages",
    summary: "Set secrets from a dotenv file",
    load: () => import("./secretsImport.ts")
  },
  {
    name: "secrets versions",
    group: "stages",
    summary: "List the versions of a secret",
    load: () => import("./secretsVersions.ts")
  },
  {
    name: "secrets rollback",
    group: "stages",
    summary: "Take an earlier value of a secret again",
    load: () => import("./secretsRollback.ts")
  },
  {
    name: "registries login",
    group: "stages",
    summary: "Keep credentials for a registry",
    load: () => import("./registriesLogin.ts")
  },
  {
    name: "registries list",
    group: "stages",
    summary: "List registries that credentials are kept of",
    load: () => import("./registriesList.ts")
  },
  {
    name: "registries logout",
    group: "stages",
    summary: "Forget the credentials for a registry",
    load: () => import("./registriesLogout.ts")
  },
  {
    name: "deployments list",
    group: "stages",
    summary: "List an app's deployments",
    load: () => import("./deploymentsList.ts")
  },
  {
    name: "deployments wait",
    group: "stages",
    summary: "Follow a deployment to its end",
    load: () => import("./deploymentsWait.ts")
  },
  {
    name: "drift",
    group: "stages",
    summary: "Show what others changed in the cluster",
    load: () => import("./drift.ts")
  },
  { name: "usage", group: "stages", summary: "Show what instances have reserved", load: () => import("./usage.ts") },
  {
    name: "auth register",
    group: "people",
    summary: "Make an account and an organization",
    load: () => import("./authRegister.ts")
  },
  {
    name: "auth login",
    group: "people",
    summary: "Sign in, by the browser or a key",
    load: () => import("./authLogin.ts")
  },
  {
    name: "auth status",
    group: "people",
    summary: "Show who you are there, and by what",
    load: () => import("./authStatus.ts")
  },
  {
    name: "auth logout",
    group: "people",
    summary: "Sign out, and forget it here",
    load: () => import("./authLogout.ts")
  },
  {
    name: "auth verify",
    group: "people",
    summary: "Confirm your address by the mailed token",
    load: () => import("./authVerify.ts")
  },
  { name: "auth resend", group: "people", summary: "Mail that token once more", load: () => import("./authResend.ts") },
  { name: "whoami", group: "people", summary: "Print who you are", load: () => import("./whoami.ts") },
  {
    name: "auth api-keys create",
    group: "people",
    summary: "Make an API key",
    load: () => import("./authApiKeysCreate.ts")
  },
  { name: "auth api-keys list", group: "people", summary: "List API keys", load: () => import("./authApiKeysList.ts") },
  {
    name: "auth api-keys rotate",
    group: "people",
    summary: "Replace an API key, with overlap",
    load: () => import("./authApiKeysRotate.ts")
  },
  {
    name: "auth api-keys delete",
    group: "people",
    summary: "End an API key",
    load: () => import("./authApiKeysDelete.ts")
  },
  {
    name: "auth oidc add",
    group: "people",
    summary: "Trust CI's own tokens, without a kept key",
    load: () => import("./authOidcAdd.ts")
  },
  { name: "auth oidc list", group: "people", summary: "List trusted issuers", load: () => import("./authOidcList.ts") },
  { name: "auth oidc remove", group: "people", summary: "End a trust", load: () => import("./authOidcRemove.ts") },
  {
    name: "auth invites create",
    group: "people",
    summary: "Invite somebody by mail",
    load: () => import("./authInvitesCreate.ts")
  },
  { name: "auth invites list", group: "people", summary: "List invites", load: () => import("./authInvitesList.ts") },
  {
    name: "auth invites revoke",
    group: "people",
    summary: "Revoke an invite",
    load: () => import("./authInvitesRevoke.ts")
  },
  {
    name: "auth invites accept",
    group: "people",
    summary: "Accept an invite",
    load: () => import("./authInvitesAccept.ts")
  },
  {
    name: "org show",
    group: "people",
    summary: "Show quotas, and what counts against them",
    load: () => import("./orgShow.ts")
  },
  {
    name: "org create",
    group: "people",
    summary: "Make an organization of your own",
    load: () => import("./orgCreate.ts")
  },
  {
    name: "org switch",
    group: "people",
    summary: "Act for another organization",
    load: () => import("./orgSwitch.ts")
  },
  { name: "org members list", group: "people", summary: "List members", load: () => import("./orgMembersList.ts") },
  {
    name: "org members role",
    group: "people",
    summary: "Change a member's role",
    load: () => import("./orgMembersRole.ts")
  },
  {
    name: "org members remove",
    group: "people",
    summary: "Remove a member",
    load: () => import("./orgMembersRemove.ts")
  },
  {
    name: "org export",
    group: "people",
    summary: "Export everything of the organization",
    load: () => import("./orgExport.ts")
  },
  {
    name: "org delete",
    group: "people",
    summary: "Delete the organization, after a grace period",
    load: () => import("./orgDelete.ts")
  },
  { name: "org keep", group: "people", summary: "End a deletion", load: () => import("./orgKeep.ts") },
  {
    name: "org certificate",
    group: "people",
    summary: "Show a certificate of erasure",
    load: () => import("./orgCertificate.ts")
  },
  {
    name: "account export",
    group: "people",
    summary: "Export everything of you",
    load: () => import("./accountExport.ts")
  },
  { name: "account delete", group: "people", summary: "Erase your account", load: () => import("./accountDelete.ts") },
  { name: "audit list", group: "people", summary: "Show who did what", load: () => import("./auditList.ts") },
  { name: "audit export", group: "people", summary: "Export the audit log", load: () => import("./auditExport.ts") },
  {
    name: "audit verify",
    group: "people",
    summary: "Verify an export of the audit log, offline",
    load: () => import("./auditVerify.ts")
  },
  { name: "dev", group: "local", summary: "Run the app here, follow its files", load: () => import("./dev.ts") },
  { name: "server", group: "local", summary: "Run the server", load: () => import("./server.ts") },
  {
    name: "server backup",
    group: "local",
    summary: "Back the server up into one sealed file",
    load: () => import("./serverBackup.ts")
  },
  {
    name: "server restore",
    group: "local",
    summary: "Restore a backup into an empty folder and database",
    load: () => import("./serverRestore.ts")
  },
  {
    name: "server rotate-keys",
    group: "local",
    summary: "Wrap the keys of secrets with the present master key",
    load: () => import("./serverRotateKeys.ts")
  },
  {
    name: "server cache list",
    group: "local",
    summary: "Show what the server has built and installed",
    load: () => import("./serverCacheList.ts")
  },
  {
    name: "server cache clear",
    group: "local",
    summary: "Remove what no service runs from",
    load: () => import("./serverCacheClear.ts")
  },
  {
    name: "server quotas list",
    group: "local",
    summary: "Show what organizations may have, and have",
    load: () => import("./serverQuotasList.ts")
  },
  {
    name: "server quotas set",
    group: "local",
    summary: "Set quotas of an organization",
    load: () => import("./serverQuotasSet.ts")
  },
  {
    name: "server quotas unset",
    group: "local",
    summary: "Let the server's defaults hold for an organization",
    load: () => import("./serverQuotasUnset.ts")
  },
  {
    name: "server check",
    group: "local",
    summary: "Verify everything that a server keeps",
    load: () => import("./serverCheck.ts")
  },
  {
    name: "server audit list",
    group: "local",
    summary: "Show what happened in no organization",
    load: () => import("./serverAuditList.ts")
  },
  {
    name: "server audit export",
    group: "local",
    summary: "Export the server's own audit log",
    load: () => import("./serverAuditExport.ts")
  },
  {
    name: "server audit verify",
    group: "local",
    summary: "Verify the server's own audit log",
    load: () => import("./serverAuditVerify.ts")
  },
  {
    name: "server audit repair",
    group: "local",
    summary: "Repair the head of an audit log that doesn't fit its entries",
    load: () => import("./serverAuditRepair.ts")
  },
  {
    name: "net verify",
    group: "stages",
    summary: "Probe what the network lets through",
    load: () => import("./netVerify.ts")
  },
  {
    name: "cluster install",
    group: "cluster",
    summary: "Prepare a cluster for max-cloud",
    load: () => import("./clusterInstall.ts")
  },
  {
    name: "cluster check",
    group: "cluster",
    summary: "Tell what a cluster lacks for max-cloud",
    load: () => import("./clusterCheck.ts")
  },
  {
    name: "cluster rollout",
    group: "cluster",
    summary: "Show where the platform's newest settings are in force",
    load: () => import("./clusterRollout.ts")
  },
  {
    name: "cluster manifests",
    group: "cluster",
    summary: "Print what `cluster install` applies",
    load: () => import("./clusterManifests.ts")
  },
  {
    name: "cluster kubeconfig",
    group: "cluster",
    summary: "Print a kubeconfig with the server's own rights",
    load: () => import("./clusterKubeconfig.ts")
  },
  {
    name: "explain",
    group: "tool",
    summary: "Explain the code of a diagnosis, offline",
    load: () => import("./explain.ts")
  },
  {
    name: "gateway",
    group: "cluster",
    summary: "Run the gateway's authorizer",
    load: () => import("./gateway.ts")
  },
  {
    name: "probe",
    group: "cluster",
    summary: "Try the network from a pod, for `net verify`",
    load: () => import("./probe.ts")
  },
  {
    name: "completions",
    group: "tool",
    summary: "Print completions for bash, zsh or fish",
    load: () => import("./completions.ts")
  }
]

/** What other tools call a command of ours. */
export const aliases: Readonly<Record<string, string>> = {
  login: "auth login",
  logout: "auth logout",
  ls: "list",
  ps: "list",
  rm: "delete"
}

/** Words that people try and that name no command, with what to use instead. */
export const pointers: Readonly<Record<string, string>> = {
  down: "`maxcloud pause NAME` stops a service, `maxcloud destroy` removes the whole app",
  rollback:
    "check out the commit that worked and run `maxcloud deploy`. `maxcloud deployments list` shows what ran; `maxcloud secrets rollback NAME` restores an earlier value of a secret",
  status:
    "`maxcloud list` shows all services, `maxcloud describe NAME` shows one, `maxcloud auth status` shows who is signed in",
  up: "`maxcloud deploy` deploys the app, `maxcloud dev` runs it on this machine"
}

/** Flags with a value that may stand before the command's name, as in `maxcloud --stage dev list`. */
const leadingWithValue = new Set(["--api-url", "--stage", "-s", "--config", "-c"])

const longestName = Math.max(...commands.map((_) => _.name.split(" ").length))

/** Splits arguments into the words that may name a command and all the rest, in order. */
export const splitCommand = (
  argv: ReadonlyArray<string>
): {
  readonly entry: Entry | undefined
  readonly words: ReadonlyArray<string>
  readonly rest: ReadonlyArray<string>
} => {
  let start = 0
  while (start < argv.length) {
    const argument = argv[start] ?? ""
    if (!argument.startsWith("-") || argument === "--") break
    start += leadingWithValue.has(argument) ? 2 : 1
  }
  const leading = argv.slice(0, start)
  const word = argv[start] ?? ""
  const alias = Object.hasOwn(aliases, word) ? aliases[word] : undefined
  if (alias !== undefined) return splitCommand([...leading, ...alias.split(" "), ...argv.slice(start + 1)])
  for (let length = longestName; length > 0; length--) {
    const name = argv.slice(start, start + length).join(" ")
    const entry = commands.find((_) => _.name === name)
    if (entry !== undefined) return { entry, words: [], rest: [...leading, ...argv.slice(start + length)] }
  }
  return { entry: undefined, words: argv.slice(start).filter((_) => !_.startsWith("-")), rest: argv }
}
