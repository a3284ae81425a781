import { type ProblemTag, problemTable } from "@maxcloud/sdk/errors"
import type { Language } from "../../base/pages/acceptLanguage.ts"

export interface ProblemText {
  readonly title: string
  readonly meaning: string
}

const german: Readonly<Record<ProblemTag, ProblemText>> = {
  InvalidRequest: {
    title: "Ungültige Anfrage",
    meaning:
      "Die Anfrage ist nicht lesbar: kein JSON, ein falscher Typ, ein falscher Parameter. In `errors` steht, wo und warum."
  },
  InvalidSpec: {
    title: "Ungültige App",
    meaning:
      "Die App ist lesbar, lässt sich aber nicht deployen: ein unbekannter Link, ein zu langer Hostname, ein Secret, das nicht gesetzt ist. In `errors` steht, wo und warum."
  },
  ClientOutdated: {
    title: "Client zu alt",
    meaning:
      "Der Server bedient diese Version der Kommandozeile oder des SDK nicht mehr. `minimumClient` ist die älteste, die er bedient. Aktualisieren Sie den Client."
  },
  Unauthenticated: {
    title: "Nicht angemeldet",
    meaning:
      "Der Anfrage fehlen gültige Zugangsdaten. Im lokalen Modus (`localMode`) gibt es keine Konten: Der Server antwortet nur dem Benutzer, der ihn gestartet hat."
  },
  Forbidden: {
    title: "Nicht erlaubt",
    meaning:
      "Ein fremder Host oder Origin an der lokalen API, oder die Zugangsdaten reichen für diese Aktion nicht aus."
  },
  QuotaExceeded: {
    title: "Kontingent überschritten",
    meaning: "Damit würde die Organisation ihr Kontingent überschreiten."
  },
  NotFound: {
    title: "Nicht gefunden",
    meaning: "In der Organisation gibt es nichts von dieser Art (`resource`) mit diesem Namen (`resourceName`)."
  },
  MethodNotAllowed: {
    title: "Methode nicht erlaubt",
    meaning: "Dieser Pfad unterstützt die Methode nicht. `Allow` nennt die möglichen."
  },
  RequestTimeout: {
    title: "Zeitüberschreitung der Anfrage",
    meaning:
      "Die Anfrage ist nicht rechtzeitig angekommen, oder über eine Sitzung oder Verbindung wurde zu lange nichts gesendet."
  },
  Conflict: {
    title: "Konflikt",
    meaning: "Der Name ist vergeben, oder der Zustand lässt es nicht zu."
  },
  RequestInProgress: {
    title: "Anfrage in Arbeit",
    meaning:
      "Dieselbe Anfrage mit demselben Idempotenzschlüssel wird gerade ausgeführt. Senden Sie sie nach `Retry-After` noch einmal, um die Antwort zu erhalten."
  },
  IdempotencyKeyReused: {
    title: "Idempotenzschlüssel schon verwendet",
    meaning:
      "Mit diesem Idempotenzschlüssel kam schon eine andere Anfrage an dieselbe Operation. Verwenden Sie für jede Änderung einen neuen."
  },
  AnswerLost: {
    title: "Antwort verloren",
    meaning:
      "Die Anfrage mit diesem Idempotenzschlüssel wurde ausgeführt, aber der Server wurde beendet, bevor er antworten konnte. Prüfen Sie den aktuellen Zustand. Mit einem neuen Schlüssel wird die Anfrage erneut ausgeführt."
  },
  PlanOutdated: {
    title: "Plan veraltet",
    meaning:
      "Angewendet würde jetzt etwas anderes als geplant: Seitdem gab es ein Deployment, oder ein Secret, der Digest eines Images oder eine Einstellung des Servers ist anders. Es wurde nichts deployt. Planen Sie neu."
  },
  PayloadTooLarge: {
    title: "Inhalt zu groß",
    meaning: "Der Inhalt ist größer, als der Server annimmt."
  },
  UnsupportedMediaType: {
    title: "Medientyp nicht unterstützt",
    meaning: "Die Operation erwartet einen anderen Content-Type."
  },
  TooManyRequests: {
    title: "Zu viele Anfragen",
    meaning:
      "Das Limit für Anfragen ist überschritten. `RateLimit` und `Retry-After` geben an, wann wieder Anfragen möglich sind."
  },
  RequestHeaderFieldsTooLarge: {
    title: "Header zu groß",
    meaning: "Anfragezeile und Header sind zusammen größer als 64 KiB."
  },
  Unavailable: {
    title: "Nicht verfügbar",
    meaning:
      "Ein Teil des Servers (Datenbank, Laufzeitumgebung) ist gerade nicht erreichbar. Senden Sie die Anfrage nach `Retry-After` noch einmal."
  },
  NotReady: {
    title: "Nicht bereit",
    meaning:
      "Der Server antwortet, kann aber nicht alles: Zum Beispiel ist die Datenbank nicht erreichbar oder die Platte voll. `checks` nennt die Ursache."
  },
  InsufficientStorage: {
    title: "Zu wenig Speicherplatz",
    meaning: "Auf der Platte des Servers ist zu wenig Platz. Der Betreiber muss Speicherplatz freigeben."
  },
  InternalError: {
    title: "Interner Fehler",
    meaning: "Ein Fehler des Servers selbst. Im Log steht die Ursache unter `requestId`."
  },
  UnknownHost: {
    title: "Unbekannter Host",
    meaning: "Kein Dienst hat den Host, den die Anfrage nennt."
  },
  UnknownTransferCoding: {
    title: "Unbekanntes Transfer-Coding",
    meaning: "Der Inhalt der Anfrage hat ein anderes Transfer-Coding als `chunked`."
  },
  InstanceFailed: {
    title: "Instanz fehlgeschlagen",
    meaning: "Die Instanz des Dienstes hat die Verbindung vor der Antwort beendet oder startet nicht."
  },
  MalformedResponse: {
    title: "Fehlerhafte Antwort",
    meaning: "Die Instanz des Dienstes hat keine gültige HTTP-Antwort geschickt."
  },
  Starting: {
    title: "Server startet",
    meaning: "Der Server ist gerade gestartet und kennt seine Dienste noch nicht."
  },
  NoInstance: {
    title: "Keine Instanz",
    meaning: "Keine Instanz des Dienstes kann die Anfrage jetzt annehmen."
  },
  Paused: {
    title: "Dieser Dienst ist pausiert",
    meaning: "Der Betreiber hat den Dienst pausiert. `maxcloud resume` startet ihn wieder."
  },
  ServiceTimeout: {
    title: "Zeitüberschreitung des Dienstes",
    meaning: "Der Dienst hat nicht in der Zeit geantwortet, die seine Konfiguration erlaubt (`timeout`)."
  }
}

/** The meaning of a problem, in the reader's language. */
export const problemTextOf = (tag: ProblemTag, language: Language): ProblemText =>
  language === "de" ? german[tag] : problemTable[tag]
