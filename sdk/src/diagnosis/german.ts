import type { DiagnosisTexts } from "./DiagnosisText.ts"

export const german: DiagnosisTexts = {
  ImageNotFound: {
    title: "Das Image gibt es nicht",
    meaning: "Die Registry antwortet, kennt aber kein Image mit diesem Namen, Tag oder Digest.",
    causes: [
      "der Tag wurde nie hochgeladen, oder unter anderem Namen",
      "ein Schreibfehler im Namen",
      "die Registry verbirgt ein privates Image vor allen, die nicht angemeldet sind"
    ],
    steps: [
      "Nachsehen, ob es da ist: `docker manifest inspect IMAGE`.",
      "Hochladen, oder `image:` in der Konfiguration berichtigen.",
      "Ist es privat, Zugangsdaten für seine Registry hinterlegen: `maxcloud registries login HOST`."
    ],
    fix: "Das Image hochladen oder Namen und Tag berichtigen; ein privates braucht Zugangsdaten für seine Registry."
  },
  ImageUnauthorized: {
    title: "Die Registry gibt das Image nicht heraus",
    meaning: "Die Registry verlangt Zugangsdaten, oder die hinterlegten dürfen dieses Image nicht laden.",
    causes: [
      "für diese Registry sind keine Zugangsdaten hinterlegt",
      "das Token ist abgelaufen oder widerrufen",
      "das Konto darf dieses Repository nicht lesen"
    ],
    steps: [
      "Zugangsdaten hinterlegen, die es laden dürfen: `maxcloud registries login HOST`.",
      "Sie selbst versuchen: `docker login HOST`, dann `docker pull IMAGE`.",
      "Erneut ausrollen: `maxcloud deploy`."
    ],
    fix: "Mit `maxcloud registries login HOST` Zugangsdaten hinterlegen, die es laden dürfen, dann erneut ausrollen."
  },
  ImageInvalid: {
    title: "Der Name des Images ist keiner",
    meaning: "Der Name lässt sich nicht als `HOST/PFAD:TAG` oder `HOST/PFAD@sha256:DIGEST` lesen.",
    causes: [
      "Großbuchstaben oder Leerzeichen im Namen",
      "eine Variable in der Konfiguration, die leer war",
      "`https://` vor dem Host"
    ],
    steps: [
      "`image:` als `HOST/PFAD:TAG` schreiben, etwa `ghcr.io/acme/shop:1.4`, in Kleinbuchstaben.",
      "Prüfen, ohne etwas zu senden: `maxcloud config check`."
    ],
    fix: "Das Image als HOST/PFAD:TAG schreiben, in Kleinbuchstaben, etwa ghcr.io/acme/shop:1.4."
  },
  ImageLayersMissing: {
    title: "Das Image ist unvollständig",
    meaning:
      "Die Registry hat das Manifest des Images, aber eine Schicht oder die Konfiguration, die es nennt, fehlt oder ist beschädigt.",
    causes: [
      "ein abgebrochenes Hochladen",
      "die Speicherbereinigung der Registry hat eine Schicht entfernt",
      "der Inhalt passt nicht zu seinem Digest: eine defekte Platte oder ein Proxy"
    ],
    steps: [
      "Das Image noch einmal ganz hochladen: `docker push IMAGE`.",
      "Bleibt es so, ohne Cache neu bauen: `docker build --no-cache`.",
      "Erneut ausrollen: `maxcloud deploy`."
    ],
    fix: "Das Image noch einmal ganz hochladen, dann erneut ausrollen."
  },
  ImageRefused: {
    title: "Das Image gibt der Container-Engine Anweisungen",
    meaning:
      "Eine Annotation oder ein Label des Images ist eine Anweisung an die Container-Engine dieser Maschine oder ihre Laufzeit. Der Server führt das Image deshalb nicht aus.",
    causes: [
      "ein Label im Dockerfile, etwa `io.containers.autoupdate`",
      "eine Annotation, die das Werkzeug hinzugefügt hat, mit dem das Image gebaut wurde"
    ],
    steps: [
      "Das Image ohne die Annotation oder das Label bauen, die die Meldung nennt.",
      "Übertragen und erneut ausrollen: `maxcloud deploy`."
    ],
    fix: "Das Image ohne die Annotation oder das Label bauen, die die Meldung nennt, und erneut ausrollen."
  },
  ImageSettingsUnused: {
    title: "Das Image verlangt etwas, das ein Dienst nicht bekommt",
    meaning:
      "Das Image hat einen HEALTHCHECK, den keine der Laufzeiten ausführt, oder ein VOLUME, das nicht erhalten bleibt: Jede Instanz hat ihr eigenes, leeres, und es verschwindet mit ihr. Der Dienst läuft trotzdem.",
    causes: [
      "`HEALTHCHECK` im Dockerfile: Kubernetes kennt ihn nicht, und die lokale Laufzeit verhält sich wie Kubernetes",
      "`VOLUME` im Dockerfile, wie bei Images von Datenbanken"
    ],
    steps: [
      'Statt des HEALTHCHECK eine Probe in die Konfiguration schreiben: `probes: { readiness: { path: "/healthz" } }`.',
      "Statt eines VOLUME die Daten außerhalb in einer Datenbank oder einem Objektspeicher halten und dem Dienst die Adresse über `env` geben.",
      "Braucht das Programm beides nicht, so lassen: Nichts schlägt fehl."
    ],
    fix: "Statt des HEALTHCHECK eine Probe schreiben, und Daten außerhalb der Instanz halten."
  },
  RegistryUnreachable: {
    title: "Die Registry antwortet nicht",
    meaning:
      "Der Rechner, auf dem der Dienst läuft, erreicht die Registry des Images nicht: keine Adresse, keine Verbindung, oder sie meldet selbst einen Fehler.",
    causes: [
      "ein Schreibfehler im Host der Registry",
      "die Registry ist gestört oder begrenzt, wie oft man laden darf",
      "eine Firewall oder ein Proxy zwischen diesem Rechner und der Registry"
    ],
    steps: [
      "Den Host in `image:` prüfen.",
      "Die Registry aus dem Netz des Clusters oder vom Rechner des Servers aus fragen: `curl -I https://HOST/v2/`.",
      "War es vorübergehend, erneut ausrollen: `maxcloud deploy`."
    ],
    fix: "Prüfen, ob der Host der Registry stimmt und die Knoten des Clusters ihn erreichen, dann erneut ausrollen."
  },
  RegistryUntrusted: {
    title: "Dem Zertifikat der Registry wird nicht vertraut",
    meaning:
      "Die Registry antwortet über HTTPS mit einem Zertifikat, dem der Rechner nicht vertraut: Die Zertifizierungsstelle ist unbekannt, das Zertifikat ist abgelaufen, oder es gilt für einen anderen Namen. Ein neuer Versuch hilft nicht.",
    causes: [
      "die Registry hat ein Zertifikat einer eigenen Zertifizierungsstelle (etwa der Firma) oder ein selbst signiertes",
      "ein Proxy auf dem Weg bricht TLS mit einer eigenen Zertifizierungsstelle auf",
      "das Zertifikat ist abgelaufen oder nennt nicht den Host aus dem Namen des Images"
    ],
    steps: [
      "Auf dem Rechner des Servers das Zertifikat der Zertifizierungsstelle (PEM) als `/etc/containers/certs.d/HOST/ca.crt` ablegen, HOST mit Port, wenn der Name des Images einen hat.",
      "Auf Kubernetes gibt der Betreiber es dem Server über `NODE_EXTRA_CA_CERTS` und containerd auf jedem Knoten (`/etc/containerd/certs.d/HOST/hosts.toml`).",
      "Ansehen, was die Registry vorzeigt: `openssl s_client -connect HOST:443 -showcerts`.",
      "Erneut ausrollen: `maxcloud deploy`."
    ],
    fix: "Das Zertifikat der Zertifizierungsstelle (PEM) auf dem Rechner des Servers als /etc/containers/certs.d/HOST/ca.crt ablegen und erneut ausrollen."
  },
  WrongPlatform: {
    title: "Das Image ist für andere Maschinen gebaut",
    meaning:
      "Das Image hat keine Fassung für Betriebssystem und Prozessor der Maschine, oder ein Programm darin ist für andere gebaut.",
    causes: [
      "auf einem ARM-Rechner (Apple Silicon) für einen Cluster mit amd64 gebaut",
      "nur eine Plattform wurde hochgeladen",
      "ein Programm oder natives Modul wurde von einer anderen Maschine in das Image kopiert"
    ],
    steps: [
      "Für den Cluster bauen: `docker buildx build --platform linux/amd64 --push -t IMAGE .`",
      "Oder für beide Arten: `--platform linux/amd64,linux/arm64`.",
      "Programme im Dockerfile laden oder übersetzen, statt sie hineinzukopieren, und `node_modules` heraushalten (.dockerignore).",
      "Erneut ausrollen: `maxcloud deploy`."
    ],
    fix: "Das Image für die Plattform des Clusters bauen, etwa mit docker buildx build --platform linux/amd64, und hochladen."
  },
  BuilderMissing: {
    title: "Hier baut nichts Images aus Quellen",
    meaning: "Der Dienst hat ein `source:`, und die Laufzeit dieses Servers führt nur Images aus.",
    causes: ["der Server läuft auf Kubernetes, ohne Builder"],
    steps: [
      "Ein Image bauen und hochladen: `docker build -t HOST/NAME:TAG . && docker push HOST/NAME:TAG`.",
      'Es in der Konfiguration statt der Quelle nennen: `image: "HOST/NAME:TAG"`.',
      "Ausrollen: `maxcloud deploy`."
    ],
    fix: "Ein Image bauen und hochladen, und `image:` statt `source:` schreiben."
  },
  BuildFailed: {
    title: "Die Quellen ließen sich nicht bauen",
    meaning: "Die Installation der Abhängigkeiten oder der Build selbst endete mit einem Fehler.",
    causes: [
      "ein Fehler im Code, den der Compiler nennt",
      "eine Lockdatei, die nicht zur package.json passt",
      "ein Paket oder eine Version, die es in der Registry nicht gibt",
      "ein Werkzeug, das auf dieser Maschine fehlt"
    ],
    steps: [
      "Die letzten Zeilen lesen: `maxcloud logs NAME`.",
      "Nachsehen, welche Befehle bauen, und sie selbst ausführen: `maxcloud plan`.",
      "Die Ursache beheben und erneut ausrollen: `maxcloud deploy`."
    ],
    fix: "Die letzten Zeilen lesen, die Ursache beheben und erneut ausrollen; `maxcloud plan` nennt die Befehle."
  },
  NothingToRun: {
    title: "Nichts sagt, wie das Programm gestartet wird",
    meaning:
      "Die Quellen haben keinen bekannten Start und die Konfiguration nennt keinen, oder das Image hat weder Entrypoint noch Befehl.",
    causes: [
      "package.json hat kein `start`-Skript und keine `main`-Datei",
      "die Startdatei hat einen Namen, den niemand errät",
      "der Ordner der Quellen ist nicht der, in dem das Programm liegt"
    ],
    steps: [
      'Den Start in der Konfiguration nennen: `command: ["node", "server.js"]`.',
      "Oder der package.json ein `start`-Skript geben.",
      "Nachsehen, was gefunden wird: `maxcloud plan`."
    ],
    fix: "`command:` in der Konfiguration setzen, oder der package.json ein `start`-Skript geben."
  },
  SourceInvalid: {
    title: "Die Quellen sind nicht verwendbar",
    meaning:
      "Das Archiv der Quellen fehlt auf dem Server, ist unvollständig, oder enthält etwas, das Quellen nicht enthalten dürfen.",
    causes: [
      "die Übertragung brach ab",
      "das Archiv wurde aus dem Datenordner des Servers entfernt",
      "ein Link, der aus den Quellen hinausführt"
    ],
    steps: [
      "Die Meldung lesen: Sie nennt den Fehler.",
      "Erneut ausrollen, das überträgt die Quellen noch einmal: `maxcloud deploy`."
    ],
    fix: "Erneut ausrollen, das überträgt die Quellen noch einmal."
  },
  FolderClosed: {
    title: "Der Benutzer des Dienstes darf einen Ordner nicht betreten",
    meaning:
      "Der Server läuft als root, Dienste aus Quellen laufen deshalb unter einem eigenen Benutzer. Dieser darf einen Ordner auf dem Weg zu den Quellen oder zum Programm nicht betreten.",
    causes: [
      "die Quellen liegen in einem Home-Ordner, der anderen verschlossen ist",
      "das Programm ist nur für einen Benutzer installiert (nvm, pyenv)"
    ],
    steps: [
      "Anderen den Ordner öffnen, den die Meldung nennt: `chmod o+x FOLDER`.",
      "Oder den Server als der Benutzer starten, dem der Ordner gehört.",
      "Oder das Programm dort installieren, wo alle es ausführen dürfen, etwa in /usr/local/bin."
    ],
    fix: "Anderen den Ordner öffnen, den die Meldung nennt (chmod o+x), oder den Server als dessen Eigentümer starten."
  },
  NoContainerEngine: {
    title: "Auf dieser Maschine antwortet keine Container-Engine",
    meaning: "Die lokale Laufzeit führt Images mit podman oder docker aus, und keines von beiden antwortet.",
    causes: ["keines ist installiert", "der Dienst von docker läuft nicht", "dieser Benutzer darf es nicht benutzen"],
    steps: [
      "podman installieren oder docker starten. Ausprobieren: `docker info`.",
      "Oder `source:` statt eines Images ausrollen.",
      "Erneut ausrollen: `maxcloud deploy`."
    ],
    fix: "podman installieren oder docker starten, dann erneut ausrollen."
  },
  CannotStart: {
    title: "Die Maschine kann das Programm nicht starten",
    meaning:
      "Die Maschine oder ihre Container-Engine hat es abgelehnt, eine Instanz zu starten. Das Programm selbst lief nicht.",
    causes: [
      "der Maschine fehlen Speicher, Prozesse, Ports oder Plattenplatz",
      "ein Fehler der Container-Engine",
      "ein Wert in der Konfiguration, den kein Programm bekommen kann",
      "Geheimnisse, die gerade nicht lesbar sind"
    ],
    steps: [
      "Die Meldung lesen: Sie stammt von der Maschine selbst.",
      "Bei einem Image die Engine ausprobieren: `docker run --rm hello-world`.",
      "Danach erneut ausrollen: `maxcloud deploy`."
    ],
    fix: "Beheben, was die Meldung nennt, dann erneut ausrollen."
  },
  CommandNotFound: {
    title: "Das zu startende Programm gibt es nicht",
    meaning:
      "Der Befehl nennt ein Programm, das im Image oder, bei Quellen, auf dieser Maschine fehlt, oder dessen Interpreter oder Ordner fehlt.",
    causes: [
      "ein Schreibfehler in `command:` oder im ENTRYPOINT des Images",
      "eine Shell wird in einem Image ohne Shell benutzt",
      "ein Skript, dessen erste Zeile einen fehlenden Interpreter nennt oder das Windows-Zeilenenden hat",
      "ein Programm, das gegen eine Bibliothek gebunden ist, die dem Image fehlt"
    ],
    steps: [
      "Nachsehen, was da ist: `docker run --rm -it --entrypoint sh IMAGE`.",
      "`command:` in der Konfiguration berichtigen (absoluter Pfad), oder weglassen, damit der Befehl des Images gilt.",
      "Erneut ausrollen: `maxcloud deploy`."
    ],
    fix: "In `command:` ein Programm nennen, das im Image ist, oder es weglassen, damit der Befehl des Images gilt."
  },
  CommandNotExecutable: {
    title: "Das zu startende Programm darf nicht ausgeführt werden",
    meaning:
      "Der Befehl des Containers nennt eine Datei, die der Benutzer, unter dem der Container läuft, nicht ausführen darf.",
    causes: [
      "die Datei wurde ohne Ausführrecht in das Image kopiert",
      "der Benutzer des Images darf den Ordner nicht betreten",
      "der Befehl ist ein Ordner"
    ],
    steps: [
      "Im Dockerfile: `COPY --chmod=755 start.sh /start.sh`.",
      "Das Image bauen und hochladen, dann `maxcloud deploy`."
    ],
    fix: "Die Datei im Image ausführbar machen (COPY --chmod=755), hochladen und erneut ausrollen."
  },
  UserUnknown: {
    title: "Den Benutzer des Images gibt es darin nicht",
    meaning:
      "Das Image sagt, unter welchem Benutzer es läuft, doch sein /etc/passwd kennt den Namen nicht; oder es ist nicht erkennbar, ob dieser Name root ist.",
    causes: [
      "`USER name` im Dockerfile, ohne den Benutzer anzulegen",
      "ein Basis-Image, das durch eines ohne ihn ersetzt wurde"
    ],
    steps: [
      "Im Dockerfile den Benutzer als Zahl nennen: `USER 65532:65532`.",
      "Oder ihn erst anlegen: `RUN adduser -D -u 10001 app`, dann `USER 10001`.",
      "Das Image bauen und hochladen, dann `maxcloud deploy`."
    ],
    fix: "Den Benutzer im Dockerfile als Zahl nennen, etwa USER 65532, hochladen und erneut ausrollen."
  },
  RootRefused: {
    title: "Das Image läuft als root, was hier nicht erlaubt ist",
    meaning:
      "Organisation oder Stage erzwingen die Stufe „restricted“ der Pod Security, und das Image startet als root.",
    causes: ["kein `USER` im Dockerfile", "`USER root` oder `USER 0`"],
    steps: [
      "Das Dockerfile mit einem eigenen Benutzer beenden: `USER 65532:65532`.",
      "Auf einem Port über 1023 lauschen und ihn nennen: `port: 8080`.",
      "Oder den Betreiber um die Stufe `baseline` für diese Stage bitten."
    ],
    fix: "Dem Image einen eigenen Benutzer geben (USER 65532 im Dockerfile), oder den Betreiber um die Stufe baseline bitten."
  },
  CrashOnStart: {
    title: "Das Programm endet beim Start mit einem Fehler",
    meaning:
      "Das Programm des Containers wurde gestartet und endete mit einem anderen Exit-Code als 0 oder durch ein Signal, bevor es bereit war oder Sekunden danach.",
    causes: [
      "eine Variable oder ein Geheimnis, das es braucht, fehlt oder ist falsch",
      "es erreicht seine Datenbank oder einen anderen Dienst nicht",
      "ein Fehler im Code, oder eine Datei, die im Image fehlt",
      "es will schreiben, wo es nicht darf, oder braucht ein Recht, das es nicht hat"
    ],
    steps: [
      "Seine letzten Zeilen lesen: `maxcloud logs NAME`.",
      "Es wie hier starten: `docker run --rm -e PORT=8080 IMAGE`.",
      "Die Ursache beheben und erneut ausrollen: `maxcloud deploy`."
    ],
    fix: "Mit `maxcloud logs NAME` die letzten Zeilen lesen, die Ursache beheben und erneut ausrollen."
  },
  ExitedOnStart: {
    title: "Das Programm endet sofort, ohne Fehler",
    meaning: "Das Programm des Containers endete mit Exit-Code 0. Ein Dienst muss weiterlaufen und HTTP beantworten.",
    causes: [
      "das Programm geht in den Hintergrund (als Daemon), und sein Starter endet",
      "der Befehl ist ein Skript oder Werkzeug, das seine Arbeit tut und endet",
      "es wurde nichts zum Ausführen genannt: der Standardbefehl des Images ist eine Shell"
    ],
    steps: [
      "Das Programm im Vordergrund starten, etwa `nginx -g 'daemon off;'`, in einem Skript mit `exec`.",
      'Oder den Server in der Konfiguration nennen: `command: ["node", "server.js"]`.',
      "Erneut ausrollen: `maxcloud deploy`."
    ],
    fix: "Das Programm im Vordergrund starten, sodass es weiterläuft und HTTP beantwortet."
  },
  OutOfMemory: {
    title: "Das Programm braucht mehr Speicher, als es haben darf",
    meaning: "Der Kernel hat das Programm beendet, weil es mehr Speicher belegte, als dem Dienst erlaubt ist.",
    causes: [
      "die Grenze ist für den Start des Programms zu niedrig",
      "die Laufzeitumgebung kennt die Grenze nicht (eine alte JVM, Node ohne `--max-old-space-size`)",
      "viele Anfragen zugleich in einer Instanz",
      "ein Speicherleck"
    ],
    steps: [
      'Die Grenze in der Konfiguration anheben: `memory: "1Gi"`.',
      "Oder senken, was eine Instanz zugleich annimmt: `scale: { concurrency: 10 }`.",
      "Erneut ausrollen: `maxcloud deploy`."
    ],
    fix: "`memory:` in der Konfiguration anheben, oder `scale.concurrency` senken."
  },
  EndedFromOutside: {
    title: "Jemand anderes hat die Instanz beendet",
    meaning:
      "Der Container der Instanz wurde entfernt, gestoppt oder abgebrochen, und zwar nicht von max-cloud. Eine neue Instanz wird gestartet.",
    causes: [
      "jemand hat `docker rm`, `docker kill` oder dasselbe mit podman aufgerufen",
      "eine Aufräumaufgabe wie `docker system prune` oder eine von podman",
      "der Rechner oder seine Container-Engine wurde neu gestartet"
    ],
    steps: [
      "Für diesen Dienst ist nichts zu tun: Eine neue Instanz wird gestartet.",
      "Einen Dienst mit `maxcloud deploy`, `maxcloud restart` oder `maxcloud delete` ändern, nicht über die Container-Engine."
    ],
    fix: "Eine neue Instanz wird gestartet. `maxcloud restart` oder `maxcloud delete` statt der Befehle der Container-Engine verwenden."
  },
  WrongPort: {
    title: "Das Programm lauscht auf einem anderen Port als angegeben",
    meaning: "Das Programm läuft und antwortet, aber auf einem anderen Port als dem, an den Anfragen gehen.",
    causes: [
      "das Programm liest die Variable `PORT` nicht",
      "`port:` in der Konfiguration ist nicht der Port des Images",
      "ein Standardport des Frameworks (3000, 5000, 8000)"
    ],
    steps: [
      "Das Programm auf der Variablen `PORT` lauschen lassen, etwa mit `process.env.PORT`.",
      "Oder bei einem Image in der Konfiguration sagen, wo es lauscht: `port: 3000`, oder `--port 3000`.",
      "Erneut ausrollen: `maxcloud deploy`."
    ],
    fix: "Das Programm auf der Variablen PORT lauschen lassen; bei einem Image kann auch `port:` in der Konfiguration seinen Port nennen."
  },
  LoopbackOnly: {
    title: "Das Programm lauscht nur auf seiner eigenen Loopback-Adresse",
    meaning:
      "Das Programm nimmt nur Verbindungen an 127.0.0.1 oder localhost an. Quellen auf dieser Maschine werden dort erreicht; ein Programm in einem Container, also auch auf einem Cluster, nicht.",
    causes: [
      "`listen` bekommt `localhost` oder `127.0.0.1`",
      "die Voreinstellung des Frameworks für die Entwicklung (Vite, Flask, uvicorn)"
    ],
    steps: [
      "Auf allen Adressen lauschen: `server.listen(process.env.PORT)`, oder `--host 0.0.0.0`.",
      "Erneut ausrollen: `maxcloud deploy`."
    ],
    fix: "Das Programm auf allen Adressen lauschen lassen (0.0.0.0 oder ::) statt auf localhost."
  },
  NotListening: {
    title: "Das Programm läuft, lauscht aber nicht",
    meaning:
      "Das Programm läuft weiter, nimmt aber weder auf dem angegebenen Port noch auf einem anderen, der versucht wurde, Verbindungen an.",
    causes: [
      "es startet noch: Migrationen, ein Cache, eine langsame Platte",
      "es wartet auf eine Datenbank oder einen Dienst, den es nicht erreicht",
      "es ist kein Server: ein Worker, der nur abfragt",
      "es lauscht auf einem Port, den niemand erraten würde"
    ],
    steps: [
      "Lesen, was es sagt: `maxcloud logs NAME`.",
      "Es auf der Variablen `PORT` lauschen lassen. Bei einem Image kann die Konfiguration seinen Port nennen: `port: 3000`.",
      'Dauert sein Start lange, ihn erlauben: `probes: { startup: { period: "5s", failureThreshold: 60 } }`.'
    ],
    fix: "Das Programm auf der Variablen PORT lauschen lassen; bei einem Image kann auch `port:` in der Konfiguration seinen Port nennen."
  },
  NotHttp: {
    title: "Das Programm spricht kein HTTP",
    meaning:
      "Das Programm nimmt auf seinem Port Verbindungen an, antwortet dort aber nicht mit HTTP. Dienste erhalten ihre Anfragen nur über HTTP, es könnte also keine beantwortet werden.",
    causes: [
      "es ist eine Datenbank, ein Cache oder eine Warteschlange mit eigenem Protokoll (Redis, Postgres, MySQL, AMQP)",
      "der Port ist der HTTPS-Port des Programms: Anfragen kommen ohne TLS an, das übernimmt die Plattform",
      "der Port dient der Verwaltung oder den Metriken, und HTTP liegt auf einem anderen"
    ],
    steps: [
      "Bei HTTPS das Programm unverschlüsselt antworten lassen oder seinen HTTP-Port nennen: `port: 8080`.",
      'Eine Datenbank oder einen Cache anderswo betreiben und den Diensten die Adresse geben: `env: { REDIS_URL: secret("REDIS_URL") }`.',
      "Erneut ausrollen: `maxcloud deploy`."
    ],
    fix: "Den Port nennen, auf dem das Programm unverschlüsseltes HTTP spricht (`port:`); Datenbanken und Caches anderswo betreiben und den Diensten die Adresse geben."
  },
  ProbeFailing: {
    title: "Die Prüfung des Programms schlägt fehl",
    meaning:
      "Das Programm lauscht, aber seine Start- oder Bereitschaftsprüfung wird nicht rechtzeitig mit einem Status von 200 bis 399 beantwortet.",
    causes: [
      "den `path:` der Prüfung gibt es im Programm nicht",
      "der Pfad verlangt eine Anmeldung",
      "etwas, das das Programm braucht (seine Datenbank), ist nicht da",
      "die Antwort dauert länger als das `timeout:` der Prüfung"
    ],
    steps: [
      'Einen Pfad nennen, der ohne Anmeldung mit 200 antwortet: `probes: { readiness: { path: "/healthz" } }`.',
      "Oder `path:` weglassen: dann genügt, dass der Port Verbindungen annimmt.",
      "Lesen, was das Programm sagt: `maxcloud logs NAME`."
    ],
    fix: "Den `path:` der Prüfung berichtigen oder weglassen: dann genügt, dass der Port Verbindungen annimmt."
  },
  LivenessFailing: {
    title: "Das Programm antwortet nicht mehr und wird neu gestartet",
    meaning:
      "Die Liveness-Prüfung schlug mehrmals hintereinander fehl, also wurde der Container beendet und neu gestartet.",
    causes: [
      "das Programm hängt: eine Verklemmung, ein voller Pool, eine blockierte Ereignisschleife",
      "es ist so beschäftigt, dass das `timeout:` der Prüfung verstreicht",
      "der `path:` der Prüfung hängt von etwas anderem ab, das gestört ist"
    ],
    steps: [
      "Lesen, was es vorher sagte: `maxcloud logs NAME`.",
      'Mehr zulassen: `probes: { liveness: { timeout: "5s", failureThreshold: 6 } }`.',
      "Den Liveness-Pfad von nichts als dem Programm selbst abhängen lassen.",
      "Ohne Liveness-Prüfung in der Konfiguration genügt jede Antwort innerhalb von 10 Sekunden; `probes: { liveness: {} }` verlangt nur eine TCP-Verbindung."
    ],
    fix: "Mit `maxcloud logs NAME` herausfinden, warum es hängt, oder der Liveness-Prüfung mehr Zeit und Fehlschläge zugestehen."
  },
  CrashAfterReady: {
    title: "Das Programm bedient Anfragen, dann stürzt es immer wieder ab",
    meaning:
      "Die Revision war bereit; seither endete ihr Programm mehrmals und wird mit wachsenden Pausen neu gestartet.",
    causes: [
      "eine Anfrage, die das Programm nicht verträgt",
      "eine Datenbank oder ein Dienst, der ausgefallen ist",
      "ein Leck, oder eine Grenze offener Dateien"
    ],
    steps: [
      "Seine letzten Zeilen lesen: `maxcloud logs NAME --since 1h`.",
      "Die Ursache beheben und ausrollen; oder zu der Revision zurückkehren, die in Ordnung war."
    ],
    fix: "Mit `maxcloud logs NAME` die letzten Zeilen lesen, die Ursache beheben und erneut ausrollen."
  },
  Unschedulable: {
    title: "Keine Maschine des Clusters hat Platz dafür",
    meaning: "Der Scheduler des Clusters findet keinen Knoten, der eine Instanz ausführen könnte.",
    causes: [
      "der Dienst verlangt mehr Speicher oder CPU, als ein Knoten frei hat",
      "Knoten sind voll oder werden geräumt",
      "Knoten haben Taints, die ihn fernhalten"
    ],
    steps: [
      'Weniger verlangen: `memory: "512Mi"`, `cpu: 0.5`.',
      "Oder `scale.min` von Diensten senken, die keine ständigen Instanzen brauchen.",
      "Oder den Betreiber einen Knoten hinzufügen lassen."
    ],
    fix: "Mit `memory:` und `cpu:` weniger verlangen, oder den Betreiber den Cluster erweitern lassen."
  },
  QuotaExceeded: {
    title: "Die Organisation hat ihr Kontingent ausgeschöpft",
    meaning: "Eine weitere Instanz würde überschreiten, was der Organisation in dieser Stage zusteht.",
    causes: [
      "viele Dienste oder Instanzen laufen",
      "ein hohes `scale.min`",
      "Dienste verlangen je viel Speicher oder CPU"
    ],
    steps: [
      "Nachsehen, was läuft: `maxcloud list`.",
      "`memory:`, `cpu:` oder `scale.min` senken, oder löschen, was nicht gebraucht wird: `maxcloud delete NAME`.",
      "Oder den Betreiber um mehr bitten."
    ],
    fix: "`memory:`, `cpu:` oder `scale.min` senken, Unnötiges löschen, oder den Betreiber um mehr bitten."
  },
  LimitExceeded: {
    title: "Eine Instanz verlangt mehr, als erlaubt ist",
    meaning: "Die Grenzen der Organisation sagen, wie viel eine Instanz haben darf, und der Dienst verlangt mehr.",
    causes: ["`memory:` oder `cpu:` liegt über dem höchsten erlaubten Wert", "oder unter dem niedrigsten"],
    steps: [
      'Innerhalb der Grenze bleiben, die die Meldung nennt: `memory: "1Gi"`, `cpu: 1`.',
      "Oder den Betreiber um eine höhere Grenze bitten."
    ],
    fix: "Mit `memory:` und `cpu:` innerhalb der Grenze bleiben, oder den Betreiber um eine höhere bitten."
  },
  PodSecurityRefused: {
    title: "Pod Security weist die Instanz ab",
    meaning: "Der Namespace erzwingt eine Stufe der Pod Security Standards, die die Instanz nicht einhält.",
    causes: [
      "die Stufe wurde angehoben, nachdem der Dienst ausgerollt war",
      "ein anderer Verwalter hat die Vorlage des Dienstes geändert"
    ],
    steps: [
      "Erneut ausrollen, damit der Dienst den Kontext der Stufe bekommt: `maxcloud deploy`.",
      "Nachsehen, wer ihn geändert hat: `maxcloud drift`.",
      "Oder den Betreiber um eine andere Stufe bitten."
    ],
    fix: "Erneut ausrollen, damit der Dienst den Kontext der Stufe bekommt; `maxcloud drift` zeigt, wer ihn geändert hat."
  },
  AdmissionRefused: {
    title: "Der Cluster weist das Objekt ab",
    meaning: "Ein Webhook, eine Richtlinie oder die Prüfung der API selbst lehnt ein Objekt dieses Dienstes ab.",
    causes: [
      "eine Richtlinie des Betreibers (Kyverno, Gatekeeper, eine ValidatingAdmissionPolicy)",
      "ein Wert, den Knative nicht erlaubt",
      "ein Webhook, der ausgefallen ist"
    ],
    steps: [
      "Die Meldung lesen: sie stammt vom Cluster und nennt die Regel.",
      "Die Konfiguration entsprechend ändern und ohne Anwenden versuchen: `maxcloud plan`.",
      "Sollte die Regel des Betreibers hier nicht gelten, mit ihm sprechen."
    ],
    fix: "Ändern, was die Meldung nennt, und es mit `maxcloud plan` versuchen."
  },
  SecretMissing: {
    title: "Ein Geheimnis, das der Dienst braucht, ist nicht da",
    meaning: "Die Instanz will einen Wert aus einem Secret, das es nicht gibt oder das diesen Schlüssel nicht hat.",
    causes: [
      "das Secret wurde im Cluster gelöscht",
      "das Geheimnis wurde nie gesetzt",
      "sein Name ist in der Konfiguration falsch geschrieben"
    ],
    steps: [
      "Es setzen: `maxcloud secrets set NAME`; liest die Plattform Geheimnisse aus einem eigenen Speicher, dort, unter dem Schlüssel, den die Meldung nennt.",
      "Erneut ausrollen, was das Secret neu schreibt: `maxcloud deploy`.",
      "Nachsehen, wer es geändert hat: `maxcloud drift`."
    ],
    fix: "Das Geheimnis mit `maxcloud secrets set NAME` setzen und erneut ausrollen."
  },
  VolumeFailed: {
    title: "Ein Volume der Instanz lässt sich nicht einhängen",
    meaning:
      "Der Knoten konnte ein Volume nicht vorbereiten oder einhängen, also werden die Container nicht gestartet.",
    causes: [
      "ein Secret für `files:` fehlt",
      "zwei `files:` wollen denselben Pfad",
      "eine Platte des Knotens ist voll oder defekt"
    ],
    steps: [
      "`files:` in der Konfiguration prüfen, und ob die Geheimnisse gesetzt sind: `maxcloud secrets list`.",
      "Erneut ausrollen: `maxcloud deploy`.",
      "Bleibt es so, sollte der Betreiber den Knoten ansehen, den die Meldung nennt."
    ],
    fix: "`files:` und deren Geheimnisse prüfen, erneut ausrollen, sonst den Betreiber den Knoten ansehen lassen."
  },
  RuntimeClassMissing: {
    title: "Die verlangte Sandbox gibt es nicht",
    meaning: "Die Instanz soll in einer Runtime Class laufen, etwa gVisor, die der Cluster oder sein Knoten nicht hat.",
    causes: [
      "der Betreiber hat `gvisor` verlangt, wo es nicht installiert ist",
      "die RuntimeClass wurde gelöscht oder nennt einen Handler, den containerd nicht kennt"
    ],
    steps: [
      "Der Betreiber installiert sie und legt die RuntimeClass an: `kubectl get runtimeclass`.",
      "Oder er nimmt die Einstellung für diese Organisation oder Stage zurück.",
      "Dann erneut ausrollen: `maxcloud deploy`."
    ],
    fix: "Den Betreiber die Runtime Class installieren oder die Einstellung zurücknehmen lassen, dann erneut ausrollen."
  },
  WakeFailed: {
    title: "Der Dienst ruhte und lässt sich nicht wecken",
    meaning:
      "Eine Anfrage kam an einen Dienst ohne Instanzen, und keine Instanz wurde rechtzeitig bereit. Beim Ausrollen war er bereit.",
    causes: [
      "das Image ist aus seiner Registry verschwunden, oder die Zugangsdaten sind abgelaufen",
      "eine Datenbank oder ein Dienst, den es beim Start braucht, ist ausgefallen",
      "der Cluster oder das Kontingent ist jetzt voll",
      "sein Start dauert länger, als eine Anfrage wartet"
    ],
    steps: [
      "Die Belege ansehen: sie nennen die Ursache der Instanz selbst.",
      "Lesen, was sie sagte: `maxcloud logs NAME --since 10m`.",
      "Die Ursache beheben. Die nächste Anfrage versucht es erneut; auszurollen ist nichts."
    ],
    fix: "Die in den Belegen genannte Ursache beheben; die nächste Anfrage versucht es erneut."
  },
  Evicted: {
    title: "Die Instanz wurde von ihrer Maschine entfernt",
    meaning:
      "Der Knoten hat die Instanz entfernt, um sich zu schützen: ihm gingen Speicher, Platte oder Prozessnummern aus. Eine andere wird gestartet.",
    causes: [
      "der Knoten ist zu voll",
      "das Programm schreibt viel in sein eigenes Dateisystem oder ins Log",
      "Instanzen belegen mehr Speicher, als sie reservieren"
    ],
    steps: [
      "Weniger auf die lokale Platte und ins Log schreiben.",
      'Reservieren, was es braucht: `memory: "1Gi"`.',
      "Der Betreiber sollte den Druck auf dem Knoten ansehen: `kubectl describe node NODE`."
    ],
    fix: "Weniger lokal schreiben, den nötigen Speicher reservieren, und den Betreiber den Knoten ansehen lassen."
  },
  NameTaken: {
    title: "Ein Objekt dieses Namens gehört jemand anderem",
    meaning:
      "Ein Objekt dieser Art und dieses Namens gibt es im Cluster, und max-cloud hat es nicht angelegt. Es wird nicht angerührt.",
    causes: [
      "jemand hat es mit kubectl, Helm oder einem anderen Werkzeug angelegt",
      "es ist von einer früheren Installation übrig"
    ],
    steps: [
      "Nachsehen, wem es gehört: die Meldung nennt seinen Verwalter.",
      "Dem Dienst einen anderen Namen geben, oder den Eigentümer es löschen lassen.",
      "Erneut ausrollen: `maxcloud deploy`."
    ],
    fix: "Einen anderen Namen wählen, oder den Eigentümer, den die Meldung nennt, das Objekt löschen lassen."
  },
  FieldConflict: {
    title: "Ein anderer Verwalter hält ein Feld dieses Objekts",
    meaning:
      "Jemand anderes hat ein Feld gesetzt, das die Bereitstellung anders setzen will (ein Konflikt beim Server-Side Apply).",
    causes: [
      "eine Änderung mit kubectl",
      "ein anderer Controller, etwa ein GitOps-Werkzeug oder ein Autoscaler, schreibt dasselbe Feld"
    ],
    steps: [
      "Nachsehen, was geändert wurde: `maxcloud drift`.",
      "Das Feld zurückholen: `maxcloud deploy --force-conflicts`.",
      "Oder den Wert in die Konfiguration übernehmen und den anderen Verwalter davon abhalten, es zu schreiben."
    ],
    fix: "Das Feld mit `maxcloud deploy --force-conflicts` zurückholen, oder den anderen Verwalter davon abhalten, es zu schreiben."
  },
  NamespaceTerminating: {
    title: "Der Namespace wird gelöscht",
    meaning:
      "Der Namespace der Organisation für diese Stage wird gelöscht; bis er fort ist, lässt sich darin nichts anlegen.",
    causes: [
      "jemand hat ihn mit kubectl gelöscht",
      "Instanzen laufen noch aus (bis zu fünf Minuten)",
      "ein Finalizer eines anderen Controllers wird nicht beantwortet"
    ],
    steps: [
      "Einige Minuten warten: ist er fort, wird er neu angelegt, und die Bereitstellung geht weiter.",
      "Bleibt er, sieht der Betreiber, was ihn hält: `kubectl get namespace NAMESPACE -o yaml`, unter `status.conditions`."
    ],
    fix: "Warten, bis er fort ist; bleibt er, zeigt `status.conditions` des Namespace dem Betreiber, was ihn hält."
  },
  IngressNotReady: {
    title: "Der Weg von außen ist noch nicht offen",
    meaning: "Die Instanzen sind bereit, aber der Ingress hat die Route des Dienstes nicht übernommen.",
    causes: [
      "der Ingress-Controller (Kourier) ist ausgefallen oder überlastet",
      "zwei Dienste wollen denselben Host",
      "das Zertifikat ist nicht zu bekommen"
    ],
    steps: [
      "Der Betreiber sieht sich den Ingress an: `kubectl get pods -n kourier-system`, `kubectl get kingress -A`.",
      "Ist er gesund, erneut ausrollen: `maxcloud deploy`."
    ],
    fix: "Den Betreiber den Ingress-Controller ansehen lassen, dann erneut ausrollen."
  },
  ProgressDeadlineExceeded: {
    title: "Es wurde nicht rechtzeitig bereit",
    meaning:
      "Die Zeit, in der eine Revision bereit werden muss, ist um, und es zeigte sich keine Ursache, die es besser erklärt.",
    causes: [
      "das Programm braucht sehr lange zum Starten",
      "der Cluster ist überlastet",
      "ein Controller des Clusters ist ausgefallen"
    ],
    steps: [
      "Lesen, was das Programm sagt: `maxcloud logs NAME`.",
      'Dauert sein Start lange, ihn erlauben: `probes: { startup: { period: "10s", failureThreshold: 60 } }`.',
      "Erneut ausrollen: `maxcloud deploy`."
    ],
    fix: "`maxcloud logs NAME` ansehen, mit `probes.startup` einen längeren Start erlauben, und erneut ausrollen."
  },
  ClusterUnreachable: {
    title: "Der Cluster antwortet nicht",
    meaning:
      "Der Server erreicht die Kubernetes-API nicht. Was läuft, läuft weiter; Änderungen warten und werden nachgeholt, sobald sie wieder antwortet.",
    causes: [
      "der API-Server ist ausgefallen oder wird aktualisiert",
      "eine Netzstörung",
      "die Zugangsdaten der kubeconfig sind abgelaufen"
    ],
    steps: [
      "Nichts ist verloren: was angenommen wurde, geschieht später. Ihm folgen: `maxcloud deployments wait ID`.",
      "Der Betreiber fragt den API-Server: `kubectl get --raw /readyz`.",
      "Sind die Zugangsdaten abgelaufen, die kubeconfig des Servers erneuern."
    ],
    fix: "Warten: was angenommen wurde, geht von selbst weiter; der Betreiber sollte den API-Server von Kubernetes ansehen."
  }
}
