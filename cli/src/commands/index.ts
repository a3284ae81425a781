import type { Command } from "../command.ts"
import { type Summary, summaries } from "../summaries.ts"

type Load = () => Promise<{ readonly default: Command }>

/** A new command, before `npm run generate`. */
const notGenerated: Summary = { summary: "", offline: false }

/** Every command, in the order of help: its name (one to three words), and its module, which loads when somebody runs it. */
const groups = {
  app: {
    title: "An app",
    commands: {
      init: () => import("./init.ts"),
      plan: () => import("./plan.ts"),
      deploy: () => import("./deploy.ts"),
      push: () => import("./push.ts"),
      destroy: () => import("./destroy.ts"),
      build: () => import("./build.ts"),
      synth: () => import("./synth.ts"),
      export: () => import("./export.ts"),
      "config check": () => import("./configCheck.ts"),
      "config secrets": () => import("./configSecrets.ts"),
      "config migrate": () => import("./configMigrate.ts")
    }
  },
  services: {
    title: "Its services",
    commands: {
      list: () => import("./list.ts"),
      describe: () => import("./describe.ts"),
      logs: () => import("./logs.ts"),
      open: () => import("./open.ts"),
      pause: () => import("./pause.ts"),
      resume: () => import("./resume.ts"),
      restart: () => import("./restart.ts"),
      exec: () => import("./exec.ts"),
      "port-forward": () => import("./portForward.ts"),
      delete: () => import("./delete.ts")
    }
  },
  stages: {
    title: "Secrets, registries and deployments",
    commands: {
      "secrets set": () => import("./secretsSet.ts"),
      "secrets list": () => import("./secretsList.ts"),
      "secrets unset": () => import("./secretsUnset.ts"),
      "secrets import": () => import("./secretsImport.ts"),
      "secrets copy": () => import("./secretsCopy.ts"),
      "secrets versions": () => import("./secretsVersions.ts"),
      "secrets rollback": () => import("./secretsRollback.ts"),
      "registry login": () => import("./registryLogin.ts"),
      "registry logout": () => import("./registryLogout.ts"),
      "registry info": () => import("./registryInfo.ts"),
      "registry keys": () => import("./registryKeys.ts"),
      "registries login": () => import("./registriesLogin.ts"),
      "registries list": () => import("./registriesList.ts"),
      "registries logout": () => import("./registriesLogout.ts"),
      "deployments list": () => import("./deploymentsList.ts"),
      "deployments show": () => import("./deploymentsShow.ts"),
      "deployments cancel": () => import("./deploymentsCancel.ts"),
      "deployments wait": () => import("./deploymentsWait.ts"),
      "policies list": () => import("./policiesList.ts"),
      "policies set": () => import("./policiesSet.ts"),
      "policies test": () => import("./policiesTest.ts"),
      "policies remove": () => import("./policiesRemove.ts"),
      events: () => import("./events.ts"),
      "webhooks add": () => import("./webhooksAdd.ts"),
      "webhooks list": () => import("./webhooksList.ts"),
      "webhooks test": () => import("./webhooksTest.ts"),
      "webhooks deliveries": () => import("./webhooksDeliveries.ts"),
      "webhooks redeliver": () => import("./webhooksRedeliver.ts"),
      "webhooks enable": () => import("./webhooksEnable.ts"),
      "webhooks rotate": () => import("./webhooksRotate.ts"),
      "webhooks remove": () => import("./webhooksRemove.ts"),
      output: () => import("./output.ts"),
      drift: () => import("./drift.ts"),
      suspend: () => import("./suspend.ts"),
      usage: () => import("./usage.ts"),
      "net verify": () => import("./netVerify.ts")
    }
  },
  people: {
    title: "Signing in, people, keys and the organization",
    commands: {
      "auth register": () => import("./authRegister.ts"),
      "auth login": () => import("./authLogin.ts"),
      "auth status": () => import("./authStatus.ts"),
      "auth logout": () => import("./authLogout.ts"),
      "auth verify": () => import("./authVerify.ts"),
      "auth resend": () => import("./authResend.ts"),
      whoami: () => import("./whoami.ts"),
      "auth api-keys create": () => import("./authApiKeysCreate.ts"),
      "auth api-keys list": () => import("./authApiKeysList.ts"),
      "auth api-keys rotate": () => import("./authApiKeysRotate.ts"),
      "auth api-keys delete": () => import("./authApiKeysDelete.ts"),
      "auth oidc add": () => import("./authOidcAdd.ts"),
      "auth oidc list": () => import("./authOidcList.ts"),
      "auth oidc remove": () => import("./authOidcRemove.ts"),
      "auth invites create": () => import("./authInvitesCreate.ts"),
      "auth invites list": () => import("./authInvitesList.ts"),
      "auth invites revoke": () => import("./authInvitesRevoke.ts"),
      "auth invites accept": () => import("./authInvitesAccept.ts"),
      "org show": () => import("./orgShow.ts"),
      "org create": () => import("./orgCreate.ts"),
      "org rename": () => import("./orgRename.ts"),
      "org switch": () => import("./orgSwitch.ts"),
      "org members list": () => import("./orgMembersList.ts"),
      "org members role": () => import("./orgMembersRole.ts"),
      "org members remove": () => import("./orgMembersRemove.ts"),
      "org export": () => import("./orgExport.ts"),
      "org delete": () => import("./orgDelete.ts"),
      "org keep": () => import("./orgKeep.ts"),
      "org certificate": () => import("./orgCertificate.ts"),
      "account export": () => import("./accountExport.ts"),
      "account delete": () => import("./accountDelete.ts"),
      "audit list": () => import("./auditList.ts"),
      "audit export": () => import("./auditExport.ts"),
      "audit verify": () => import("./auditVerify.ts")
    }
  },
  local: {
    title: "On this machine",
    commands: {
      dev: () => import("./dev.ts"),
      server: () => import("./server.ts"),
      "server backup": () => import("./serverBackup.ts"),
      "server restore": () => import("./serverRestore.ts"),
      "server rotate-keys": () => import("./serverRotateKeys.ts"),
      "server cache list": () => import("./serverCacheList.ts"),
      "server cache clear": () => import("./serverCacheClear.ts"),
      "server quotas list": () => import("./serverQuotasList.ts"),
      "server quotas set": () => import("./serverQuotasSet.ts"),
      "server quotas unset": () => import("./serverQuotasUnset.ts"),
      "server check": () => import("./serverCheck.ts"),
      "server audit list": () => import("./serverAuditList.ts"),
      "server audit export": () => import("./serverAuditExport.ts"),
      "server audit verify": () => import("./serverAuditVerify.ts"),
      "server audit repair": () => import("./serverAuditRepair.ts")
    }
  },
  cluster: {
    title: "A Kubernetes cluster",
    commands: {
      "cluster install": () => import("./clusterInstall.ts"),
      "cluster check": () => import("./clusterCheck.ts"),
      "cluster restore": () => import("./clusterRestore.ts"),
      "cluster rollout": () => import("./clusterRollout.ts"),
      "cluster manifests": () => import("./clusterManifests.ts"),
      "cluster kubeconfig": () => import("./clusterKubeconfig.ts"),
      gateway: () => import("./gateway.ts"),
      probe: () => import("./probe.ts")
    }
  },
  tool: {
    title: "This tool",
    commands: {
      explain: () => import("./explain.ts"),
      completions: () => import("./completions.ts")
    }
  }
} as const satisfies Readonly<
  Record<string, { readonly title: string; readonly commands: Readonly<Record<string, Load>> }>
>

type Groups = typeof groups
export type CommandName = { [G in keyof Groups]: keyof Groups[G]["commands"] }[keyof Groups]

/** The facts about a command that don't need its module. */
export interface Entry extends Summary {
  readonly name: string
  readonly group: string
  readonly load: Load
}

/** The key and title of each group. */
export const groupTitles = Object.entries(groups).map(([group, { title }]) => [group, title] as const)

/** All commands. Root help needs only this. */
export const commands: ReadonlyArray<Entry> = Object.entries(groups).flatMap(([group, { commands }]) =>
  Object.entries<Load>(commands).map(([name, load]) => ({ name, group, load, ...(summaries[name] ?? notGenerated) }))
)
