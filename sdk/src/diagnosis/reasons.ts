import type { ExplanationLanguage } from "./explain.ts"

/** Reasons of conditions, revisions and deployments that aren't diagnoses, with a sentence for each. */
const reasons = {
  Accepted: {
    en: "The server has stored the deployment and carries it out.",
    de: "Der Server hat das Ausrollen gespeichert und führt es aus."
  },
  Applied: {
    en: "The runtime has the deployment's manifests.",
    de: "Die Laufzeit hat die Manifeste des Ausrollens."
  },
  Building: {
    en: "The source is being built; the message is the build's newest line.",
    de: "Die Quellen werden gebaut; die Meldung ist die neueste Zeile des Builds."
  },
  ConfigurationMissing: {
    en: "Knative: the service's configuration does not exist.",
    de: "Knative: Die Konfiguration des Dienstes gibt es nicht."
  },
  ContainerMissing: {
    en: "Knative: the image can't be read from its registry.",
    de: "Knative: Das Image lässt sich nicht aus seiner Registry lesen."
  },
  Degraded: {
    en: "The service was well before and isn't now; the deployment left it as it was.",
    de: "Dem Dienst ging es vorher gut und jetzt nicht; das Ausrollen hat ihn nicht geändert."
  },
  Deleted: {
    en: "The config doesn't have the service any more, and it is deleted.",
    de: "Die Konfiguration hat den Dienst nicht mehr, er ist gelöscht."
  },
  Deploying: {
    en: "A new revision is being started.",
    de: "Eine neue Revision wird gestartet."
  },
  Failed: {
    en: "The service does not become ready; nothing says more.",
    de: "Der Dienst wird nicht bereit; mehr ist nicht bekannt."
  },
  IngressNotConfigured: {
    en: "Knative: the ingress has not taken the route yet.",
    de: "Knative: Der Ingress hat die Route noch nicht übernommen."
  },
  InternalError: {
    en: "The server made a mistake. Its log has the details.",
    de: "Der Server hat einen Fehler gemacht. Sein Log hat die Einzelheiten."
  },
  NoTraffic: {
    en: "The service has no instance, since nobody asks for it. The next request starts one.",
    de: "Der Dienst hat keine Instanz, weil niemand ihn anfragt. Die nächste Anfrage startet eine."
  },
  NotOwned: {
    en: "Knative: an object of this name belongs to another owner.",
    de: "Knative: Ein Objekt dieses Namens gehört einem anderen Eigentümer."
  },
  NotRunHere: {
    en: "An earlier server accepted the revision, and this one may not run it: it was started without in-place sources (`maxcloud dev`), or with accounts.",
    de: "Ein früherer Server hat die Revision angenommen, dieser darf sie nicht ausführen: Er läuft ohne Quellen an Ort und Stelle (`maxcloud dev`) oder mit Konten."
  },
  OutOfDate: {
    en: "The cluster has not looked at the newest change yet.",
    de: "Der Cluster hat die neueste Änderung noch nicht betrachtet."
  },
  Paused: {
    en: "Somebody paused the service. Resume it with `maxcloud resume NAME`.",
    de: "Jemand hat den Dienst angehalten. Fortsetzen mit `maxcloud resume NAME`."
  },
  Pending: {
    en: "The runtime has not looked at the service yet.",
    de: "Die Laufzeit hat den Dienst noch nicht betrachtet."
  },
  Pruned: {
    en: "What the config doesn't have any more is deleted.",
    de: "Was die Konfiguration nicht mehr hat, ist gelöscht."
  },
  Queued: {
    en: "Requests wait while an instance starts.",
    de: "Anfragen warten, während eine Instanz startet."
  },
  Pulling: {
    en: "The image is being pulled from its registry; the message is how far that is.",
    de: "Das Image wird aus seiner Registry geholt; die Meldung sagt, wie weit das ist."
  },
  Ready: {
    en: "The service is ready for requests.",
    de: "Der Dienst ist für Anfragen bereit."
  },
  Refused: {
    en: "The runtime will never take these manifests; the message says why.",
    de: "Die Laufzeit nimmt diese Manifeste nie an; die Meldung sagt, warum."
  },
  ResolvingDigests: {
    en: "Knative: the image's tag is being looked up in its registry.",
    de: "Knative: Das Tag des Images wird in seiner Registry nachgeschlagen."
  },
  RevisionFailed: {
    en: "The newest revision did not become ready. The diagnosis says why; the one before keeps serving.",
    de: "Die neueste Revision wurde nicht bereit. Die Diagnose sagt, warum; die vorige bedient weiter."
  },
  RevisionMissing: {
    en: "No revision of the service was ever ready, so requests have nowhere to go.",
    de: "Noch keine Revision des Dienstes war bereit, Anfragen haben also kein Ziel."
  },
  RolloutInProgress: {
    en: "Knative: requests move to the new revision little by little.",
    de: "Knative: Anfragen gehen nach und nach auf die neue Revision über."
  },
  Running: {
    en: "The deployment is being carried out.",
    de: "Das Ausrollen läuft."
  },
  RuntimeUnavailable: {
    en: "The runtime can't be reached now. The server tries again until the deployment's deadline.",
    de: "Die Laufzeit ist gerade nicht erreichbar. Der Server versucht es bis zur Frist des Ausrollens erneut."
  },
  ServiceFailed: {
    en: "A service of the deployment isn't ready; each one's diagnosis says why.",
    de: "Ein Dienst des Ausrollens ist nicht bereit; die Diagnose jedes Dienstes sagt, warum."
  },
  StillCalled: {
    en: "The config doesn't have the service any more. It stays until no revision that may still run calls it; the message names the callers.",
    de: "Die Konfiguration hat den Dienst nicht mehr. Er bleibt, bis ihn keine Revision mehr aufruft, die noch laufen kann; die Meldung nennt die Aufrufer."
  },
  Superseded: {
    en: "A newer one took its place before it was ready.",
    de: "Etwas Neueres trat an seine Stelle, bevor es bereit war."
  },
  TimedOut: {
    en: "Knative: no instance became ready in time when a request came.",
    de: "Knative: Als eine Anfrage kam, wurde keine Instanz rechtzeitig bereit."
  },
  TrafficNotMigrated: {
    en: "Knative: requests have not moved to the new revision yet.",
    de: "Knative: Die Anfragen sind noch nicht auf die neue Revision übergegangen."
  },
  Uninitialized: {
    en: "Knative: the ingress has not reported on the route yet.",
    de: "Knative: Der Ingress hat sich zur Route noch nicht gemeldet."
  }
} as const satisfies Readonly<Record<string, Readonly<Record<ExplanationLanguage, string>>>>

/** A word for where a service or deployment stands. One that tells of a fault is a `DiagnosisCode` instead. */
export type StatusReason = keyof typeof reasons

const isReason = (text: string): text is StatusReason => Object.hasOwn(reasons, text)

export const statusReasons: ReadonlyArray<StatusReason> = Object.keys(reasons).filter(isReason)

export interface ReasonText {
  readonly reason: string
  readonly meaning: string
}

const exitCode = {
  en: (code: string) => `The program ended with exit code ${code}. See \`maxcloud explain CrashOnStart\`.`,
  de: (code: string) => `Das Programm endete mit Exit-Code ${code}. Siehe \`maxcloud explain CrashOnStart\`.`
}

/** The meaning of a reason that isn't a diagnosis, in upper or lower case. */
export const explainReason = (text: string, language: ExplanationLanguage = "en"): ReasonText | undefined => {
  const code = /^exitcode(\d{1,3})$/i.exec(text)?.[1]
  if (code !== undefined) return { reason: `ExitCode${code}`, meaning: exitCode[language](code) }
  const reason = statusReasons.find((_) => _.toLowerCase() === text.toLowerCase())
  return reason === undefined ? undefined : { reason, meaning: reasons[reason][language] }
}
