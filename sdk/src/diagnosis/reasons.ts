import type { ExplanationLanguage } from "./explain.ts"

/** Reasons of conditions, revisions and deployments that aren't diagnoses, each with a sentence. */
const reasons = {
  Accepted: {
    en: "The server has stored the deployment and is processing it.",
    de: "Der Server hat das Deployment gespeichert und führt es aus."
  },
  Applied: {
    en: "The runtime has accepted the deployment's manifests.",
    de: "Die Laufzeitumgebung hat die Manifeste des Deployments übernommen."
  },
  Building: {
    en: "The build is running; the message is its last line.",
    de: "Der Build läuft; die Meldung ist seine letzte Zeile."
  },
  Cancelled: {
    en: "Somebody cancelled the deployment. The last successful deployment before it, if any, is deployed again.",
    de: "Jemand hat das Deployment abgebrochen. Was davor lief, wird wieder ausgerollt, falls es etwas gab."
  },
  ConfigurationMissing: {
    en: "Knative: the service's configuration doesn't exist.",
    de: "Knative: Die Configuration des Dienstes existiert nicht."
  },
  ContainerMissing: {
    en: "Knative: the image can't be read from its registry.",
    de: "Knative: Das Image konnte nicht aus seiner Registry gelesen werden."
  },
  Degraded: {
    en: "The service was healthy before and isn't now; the deployment didn't change it.",
    de: "Der Dienst lief vorher und läuft jetzt nicht mehr; das Deployment hat ihn nicht geändert."
  },
  Deleted: {
    en: "The service is no longer in the config, so it was deleted.",
    de: "Der Dienst steht nicht mehr in der Konfiguration und wurde gelöscht."
  },
  Deploying: {
    en: "A new revision is being started.",
    de: "Eine neue Revision wird gestartet."
  },
  Draining: {
    en: "Instances of removed services finish their requests and end. They have their `drain` and `grace` for it.",
    de: "Instanzen entfernter Dienste beenden ihre Anfragen und enden dann. Sie haben dafür ihr `drain` und `grace`."
  },
  Failed: {
    en: "The service doesn't become ready. The cause is unknown.",
    de: "Der Dienst wird nicht bereit. Die Ursache ist nicht bekannt."
  },
  IngressNotConfigured: {
    en: "Knative: the ingress hasn't programmed the route yet.",
    de: "Knative: Der Ingress hat die Route noch nicht übernommen."
  },
  InternalError: {
    en: "An internal error. The server's log has the details.",
    de: "Ein interner Fehler. Einzelheiten stehen im Log des Servers."
  },
  NoTraffic: {
    en: "The service is scaled to zero because it has no traffic. The next request starts an instance.",
    de: "Der Dienst hat keinen Traffic und ist auf null skaliert. Die nächste Anfrage startet eine Instanz."
  },
  NotOwned: {
    en: "Knative: an object of this name belongs to another owner.",
    de: "Knative: Ein Objekt dieses Namens gehört einem anderen Eigentümer."
  },
  NotRunHere: {
    en: "An earlier server accepted the revision, and this one may not run it: it was started without in-place sources (`maxcloud dev`), or with accounts.",
    de: "Ein früherer Server hat die Revision angenommen. Dieser darf sie nicht ausführen, weil er ohne In-Place-Quellcode (`maxcloud dev`) oder mit Konten gestartet wurde."
  },
  OutOfDate: {
    en: "The cluster hasn't processed the latest change yet.",
    de: "Der Cluster hat die letzte Änderung noch nicht verarbeitet."
  },
  Paused: {
    en: "The service is paused. Resume it with `maxcloud resume NAME`.",
    de: "Der Dienst ist pausiert. Setzen Sie ihn mit `maxcloud resume NAME` fort."
  },
  Pending: {
    en: "The runtime hasn't processed the service yet.",
    de: "Die Laufzeitumgebung hat den Dienst noch nicht verarbeitet."
  },
  Pruned: {
    en: "Objects that are no longer in the config were deleted.",
    de: "Objekte, die nicht mehr in der Konfiguration stehen, wurden gelöscht."
  },
  Queued: {
    en: "Requests wait while an instance starts.",
    de: "Anfragen warten, während eine Instanz startet."
  },
  Pulling: {
    en: "The image is being pulled; the message shows the progress.",
    de: "Das Image wird gepullt; die Meldung zeigt den Fortschritt."
  },
  Ready: {
    en: "The service is ready for requests.",
    de: "Der Dienst ist bereit."
  },
  Refused: {
    en: "The runtime rejects these manifests; the message says why. Retrying doesn't help.",
    de: "Die Laufzeitumgebung lehnt diese Manifeste ab; die Meldung nennt den Grund. Ein neuer Versuch hilft nicht."
  },
  ResolvingDigests: {
    en: "Knative: the image's tag is being resolved to a digest.",
    de: "Knative: Der Tag des Images wird in der Registry aufgelöst."
  },
  RevisionFailed: {
    en: "The latest revision didn't become ready. The diagnosis says why. The previous revision keeps serving.",
    de: "Die neueste Revision wurde nicht bereit. Die Diagnose nennt den Grund. Die vorige Revision beantwortet weiter Anfragen."
  },
  RevisionMissing: {
    en: "No revision of the service has ever been ready, so nothing can answer requests.",
    de: "Noch keine Revision des Dienstes war bereit, deshalb kann niemand Anfragen beantworten."
  },
  RolloutInProgress: {
    en: "Knative: traffic moves to the new revision gradually.",
    de: "Knative: Der Traffic wechselt schrittweise auf die neue Revision."
  },
  Running: {
    en: "The deployment is in progress.",
    de: "Das Deployment läuft."
  },
  RuntimeUnavailable: {
    en: "The runtime is unreachable. The server retries until the deployment's deadline.",
    de: "Die Laufzeitumgebung ist nicht erreichbar. Der Server versucht es bis zum Ende der Frist erneut."
  },
  ServiceFailed: {
    en: "A service of the deployment isn't ready. Its diagnosis says why.",
    de: "Ein Dienst des Deployments ist nicht bereit. Seine Diagnose nennt den Grund."
  },
  StillCalled: {
    en: "The service is no longer in the config. It stays until no revision that may still run calls it; the message names the callers.",
    de: "Der Dienst steht nicht mehr in der Konfiguration. Er bleibt, solange ihn eine Revision aufruft, die noch laufen kann; die Meldung nennt die Aufrufer."
  },
  Superseded: {
    en: "A newer deployment replaced it before it was ready.",
    de: "Ein neueres Deployment hat es ersetzt, bevor es bereit war."
  },
  TimedOut: {
    en: "Knative: no instance became ready in time when a request came.",
    de: "Knative: Als eine Anfrage kam, wurde keine Instanz rechtzeitig bereit."
  },
  TrafficNotMigrated: {
    en: "Knative: traffic hasn't moved to the new revision yet.",
    de: "Knative: Der Traffic ist noch nicht auf die neue Revision umgestellt."
  },
  Uninitialized: {
    en: "Knative: the ingress hasn't reported the route's status yet.",
    de: "Knative: Der Ingress hat noch keinen Status der Route gemeldet."
  }
} as const satisfies Readonly<Record<string, Readonly<Record<ExplanationLanguage, string>>>>

/** The reason for the state of a service or deployment. Faults have a `DiagnosisCode` instead. */
export type StatusReason = keyof typeof reasons

const isReason = (text: string): text is StatusReason => Object.hasOwn(reasons, text)

export const statusReasons: ReadonlyArray<StatusReason> = Object.keys(reasons).filter(isReason)

export interface ReasonText {
  readonly reason: string
  readonly meaning: string
}

const exitCode = {
  en: (code: string) => `The program exited with code ${code}. See \`maxcloud explain CrashOnStart\`.`,
  de: (code: string) => `Das Programm hat sich mit Exit-Code ${code} beendet. Siehe \`maxcloud explain CrashOnStart\`.`
}

/** The meaning of a reason that isn't a diagnosis. Ignores case. */
export const explainReason = (text: string, language: ExplanationLanguage = "en"): ReasonText | undefined => {
  const code = /^exitcode(\d{1,3})$/i.exec(text)?.[1]
  if (code !== undefined) return { reason: `ExitCode${code}`, meaning: exitCode[language](code) }
  const reason = statusReasons.find((statusReason) => statusReason.toLowerCase() === text.toLowerCase())
  return reason === undefined ? undefined : { reason, meaning: reasons[reason][language] }
}
