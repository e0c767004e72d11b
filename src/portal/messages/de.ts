import type { Catalogue } from './en.ts'

export const de: Catalogue = {
  'login.title': 'Bei {realm} anmelden',
  'login.continue': 'und weiter zu {site}',
  'login.username': 'Benutzername',
  'login.password': 'Passwort',
  'login.show': 'Passwort anzeigen',
  'login.submit': 'Anmelden',
  'login.next': 'Weiter',
  'login.busy': 'Anmeldung läuft …',
  'login.confirm': 'Bestätigen Sie, dass Sie es sind',
  'login.code': 'Code',
  'login.approve': 'Genehmigen',
  'login.cancel': 'Abbrechen',
  'login.use-other': 'Stattdessen {module} verwenden',
  'login.without': 'Ohne Anmeldung fortfahren',

  'failure.bad-credentials':
    'Benutzername und Passwort passen nicht zusammen. Prüfen Sie beides und versuchen Sie es noch einmal.',
  'failure.password-expired':
    'Dieses Passwort ist abgelaufen oder muss erst geändert werden. Ändern Sie es dort, wo Ihre Organisation Passwörter verwaltet, und melden Sie sich dann an.',
  'failure.throttled': 'Zu viele Versuche. Warten Sie {duration} und versuchen Sie es dann noch einmal.',
  'failure.session-changed':
    'Ihre Sitzung hat sich inzwischen in einem anderen Fenster geändert. Bitte melden Sie sich noch einmal an.',
  'failure.wrong-code':
    'Dieser Code gilt nicht oder wurde schon verwendet. Warten Sie auf den nächsten und geben Sie ihn ein.',

  'notice.expired': 'Diese Seite war zu lange offen. Bitte melden Sie sich noch einmal an.',
  'notice.cookie':
    'Ihr Browser hat unser Cookie nicht zurückgeschickt. Erlauben Sie Cookies für {host} und versuchen Sie es noch einmal.',
  'notice.switch-end': 'Sie sind bei {realm} als {user} angemeldet. Wenn Sie sich hier anmelden, endet diese Sitzung.',
  'notice.switch-keep':
    'Sie sind bei {realm} als {user} angemeldet. Wenn Sie sich hier anmelden, tritt diese Sitzung in den Hintergrund.',
  'notice.step-up': 'Sie sind als {user} angemeldet. {site} braucht einen zweiten Nachweis, dass Sie es sind.',
  'notice.step-up-here':
    'Sie sind als {user} angemeldet. Was Sie vorhaben, braucht einen zweiten Nachweis, dass Sie es sind.',
  'notice.approve':
    'Sie sind als {user} angemeldet. {site} bittet Sie, eine Anfrage zu genehmigen: {method} {path}. Sie geht einmal durch, innerhalb von drei Minuten.',
  'notice.again': 'Sie sind als {user} angemeldet. Wenn sich jemand anderes anmeldet, endet diese Sitzung.',
  'notice.age':
    'Sie sind als {user} angemeldet. {site} bittet um eine neue Bestätigung, weil die letzte eine Weile her ist.',
  'notice.age-here':
    'Sie sind als {user} angemeldet. Was Sie vorhaben, braucht eine neue Bestätigung, weil die letzte eine Weile her ist.',
  'notice.enrol':
    'Sie sind als {user} angemeldet. {site} braucht einen zweiten Nachweis, dass Sie es sind, und Sie haben noch keinen eingerichtet.',
  'notice.enrol-here':
    'Sie sind als {user} angemeldet. Was Sie vorhaben, braucht einen zweiten Nachweis, dass Sie es sind, und Sie haben noch keinen eingerichtet.',
  'enrol.title': 'Authenticator-App einrichten',
  'enrol.submit': 'Bestätigen und weiter',
  'enrol.qr': 'QR-Code für Ihre Authenticator-App',
  'enrol.open': 'In einer Authenticator-App auf diesem Gerät öffnen',
  'enrol.secret': 'Oder geben Sie diesen Schlüssel in die App ein:',
  'enrol.totp.text':
    'Scannen Sie das Bild mit einer Authenticator-App auf Ihrem Telefon und geben Sie dann die sechs Ziffern ein, die sie zeigt.',
  'login.recovery-code': 'Wiederherstellungscode',
  'login.recovery-confirm': 'Geben Sie einen dieser Codes ein, zum Zeichen, dass Sie sie aufbewahren',
  'enrol.recovery.title': 'Bewahren Sie diese Wiederherstellungscodes auf',
  'enrol.recovery.text':
    'Jeder gilt einmal anstelle Ihres anderen zweiten Nachweises für {realm}, falls Sie ihn verlieren. Drucken Sie sie aus oder schreiben Sie sie auf, und bewahren Sie sie so auf, dass nur Sie sie finden: Sie werden nur dieses eine Mal gezeigt.',
  'enrol.recovery.left': 'Von Ihren letzten Codes haben Sie noch {left}. Die neuen treten an deren Stelle.',
  'enrol.later': 'Jetzt nicht',
  'failure.wrong-recovery-code':
    'Dieser Code gehört nicht zu Ihren oder wurde schon benutzt. Prüfen Sie ihn und versuchen Sie es noch einmal.',
  'module.recovery': 'einen Wiederherstellungscode',
  'module.x509': 'ein Zertifikat',
  'login.resend': 'Neuen Code senden',
  'code.email':
    'Wir haben einen Code aus acht Ziffern an Ihre E-Mail-Adresse geschickt, falls zu diesem Konto eine gehört. Er gilt fünf Minuten.',
  'code.sms':
    'Wir haben einen Code aus acht Ziffern an Ihr Telefon geschickt, falls zu diesem Konto eines gehört. Er gilt fünf Minuten.',
  'failure.not-sent': 'Wir konnten den Code nicht senden. Warten Sie einen Moment und fordern Sie einen neuen an.',
  'failure.sent-too-often':
    'Es wurden schon mehrere Codes angefordert. Warten Sie eine Viertelstunde, bevor Sie einen weiteren anfordern.',
  'module.email': 'einen Code per E-Mail',
  'module.sms': 'einen Code per SMS',
  'module.externalJwt': 'ein Token',
  'module.totp': 'die Authenticator-App',
  'module.password': 'das Passwort',
  'login.key-name': 'Name dieses Schlüssels, wenn Sie möchten',
  'webauthn.sign-in': 'Mit einem Passkey anmelden',
  'webauthn.use': 'Passkey oder Sicherheitsschlüssel verwenden',
  'webauthn.text': 'Bestätigen Sie mit Ihrem Passkey oder Sicherheitsschlüssel, dass Sie es sind.',
  'webauthn.needs-script':
    'Passkeys und Sicherheitsschlüssel brauchen JavaScript, das in diesem Browser ausgeschaltet ist.',
  'webauthn.cancelled': 'Es wurde nichts bestätigt. Versuchen Sie es noch einmal, oder wählen Sie einen anderen Weg.',
  'webauthn.exists':
    'Dieses Gerät oder dieser Sicherheitsschlüssel ist für Sie schon eingerichtet. Nehmen Sie ein anderes.',
  'webauthn.unsupported':
    'Dieser Browser kennt keine Passkeys. Nehmen Sie einen anderen Browser, oder wählen Sie einen anderen Weg.',
  'failure.wrong-key':
    'Dieser Passkey oder Sicherheitsschlüssel wurde nicht angenommen. Versuchen Sie es noch einmal, oder wählen Sie einen anderen Weg.',
  'failure.not-set-up':
    'Dieser Passkey oder Sicherheitsschlüssel konnte nicht eingerichtet werden. Versuchen Sie es noch einmal, oder nehmen Sie einen anderen.',
  'enrol.webauthn.title': 'Passkey einrichten',
  'enrol.webauthn.text':
    'Ihr Gerät oder Sicherheitsschlüssel fragt nach Fingerabdruck, Gesicht oder PIN. Von da an bestätigt es {realm}, dass Sie es sind.',
  'enrol.webauthn.submit': 'Passkey erstellen',
  'module.webauthn': 'den Passkey oder Sicherheitsschlüssel',

  'quota.title': 'Sie sind bereits {count}-mal angemeldet',
  'quota.title-one': 'Sie sind bereits angemeldet',
  'quota.text':
    '{realm} erlaubt {user} nicht mehr Sitzungen zugleich. Beenden Sie eine davon, um hier fortzufahren. Alles, was darin offen ist, wird abgemeldet.',
  'quota.end': 'Diese beenden und fortfahren',
  'quota.end-name': 'Diese beenden und fortfahren: {device}, angemeldet {ago}',
  'quota.cancel': 'Nicht anmelden',
  'session.device': '{browser} auf {system}',
  'session.unknown-device': 'Unbekanntes Gerät',
  'session.since': 'Angemeldet {ago}',
  'session.used': 'zuletzt benutzt {ago}',
  'session.end-name': 'Die Sitzung auf {device}, angemeldet {ago}, beenden',

  'account.title': 'Ihre Sitzungen',
  'account.where': 'Bei {realm} als {user} angemeldet',
  'account.this': 'Diese hier',
  'account.others': 'Weitere Sitzungen ({count})',
  'account.others-text':
    'Gehört eine davon nicht Ihnen, beenden Sie sie und informieren Sie Ihre Administration: Jemand könnte Ihr Passwort kennen.',
  'account.none': 'Sie sind sonst nirgends angemeldet.',
  'account.end': 'Beenden',
  'account.end-others': 'Überall sonst abmelden',
  'account.ended': 'Diese Sitzung ist beendet. Alles, was darin offen war, ist abgemeldet.',
  'account.ended-others': 'Sie sind überall sonst abgemeldet.',
  'account.gone': 'Diese Sitzung steht nicht mehr in Ihrer Liste. Vielleicht ist sie inzwischen zu Ende gegangen.',
  'account.pages': 'Seiten der Liste',
  'account.page': 'Seite {page} von {pages}',
  'account.previous': 'Vorige Seite',
  'account.next': 'Nächste Seite',
  'factors.title': 'So weisen Sie sich aus',
  'factors.none': 'Sie haben noch keinen zweiten Nachweis.',
  'factors.change': 'Ändern',
  'factors.change-name': '{name} ändern',
  'factors.add': 'Hinzufügen: {factor}',
  'factors.renew': 'Ersetzen: {factor}',
  'account.factors-removed': 'Es wurde entfernt und weist niemanden mehr aus.',
  'account.factors-renamed': 'Der Name wurde geändert.',
  'account.factors-gone': 'Das steht nicht mehr in Ihrer Liste oder lässt sich nicht ändern.',
  'applications.title': 'Anwendungen, denen Sie Zugriff erlaubt haben',
  'applications.text': 'Jede darf wissen, was hier steht. Widerrufen Sie es, dann muss sie erneut fragen.',
  'applications.agreed': 'erlaubt {ago}',
  'applications.take-back': 'Widerrufen',
  'applications.take-back-name': 'Widerrufen, was {client} wissen darf',
  'account.taken-back': 'Sie erfährt nichts mehr von Ihnen, tut nichts mehr für Sie und muss erneut fragen.',
  'factor.title': '{name} ändern',
  'factor.added': 'hinzugefügt {ago}',
  'factor.used': 'zuletzt benutzt {ago}',
  'factor.left': 'noch {left}',
  'factor.declared': 'von der Verwaltung festgelegt',
  'factor.name': 'Name',
  'factor.save': 'Speichern',
  'factor.remove': 'Entfernen',
  'factor.last':
    'Das ist Ihr letzter zweiter Nachweis. Ist er entfernt, können Sie nichts mehr öffnen, was einen verlangt, bis Sie einen neuen einrichten.',
  'factor.new': 'Es ist eingerichtet. Geben Sie ihm einen Namen, um es von anderen zu unterscheiden.',
  'factor.type.totp': 'Authenticator-App',
  'factor.type.webauthn': 'Sicherheitsschlüssel oder Passkey',
  'factor.type.recovery': 'Wiederherstellungscodes',
  'factor.type.device': 'Gemerktes Gerät',
  'device.remember': 'Diesen Browser {days} Tage lang merken. Nicht auf einem geteilten Computer.',
  'device.remember-one': 'Diesen Browser einen Tag lang merken. Nicht auf einem geteilten Computer.',
  'factor.until': 'gilt bis {until}',
  'account.sign-in': 'Melden Sie sich an, um Ihre Sitzungen zu sehen. Wo möchten Sie sich anmelden?',

  'password.title': 'Neues Passwort wählen',
  'password.where': 'Angemeldet bei {realm} als {user}',
  'password.current': 'Bisheriges Passwort',
  'password.new': 'Neues Passwort',
  'password.again': 'Neues Passwort noch einmal',
  'password.submit': 'Passwort ändern',
  'password.text':
    'Mindestens {count} Zeichen, gleich welcher Art. Gut und leicht zu merken sind ein paar Wörter, die nur Sie so zusammenstellen würden.',
  'password.must-change': 'Ihr Passwort muss geändert werden, bevor es weitergeht.',
  'password.password-expired': 'Ihr Passwort ist abgelaufen. Wählen Sie ein neues, um fortzufahren.',
  'password.too-short': 'Dieses Passwort ist zu kurz: Es braucht mindestens {count} Zeichen.',
  'password.too-long': 'Dieses Passwort ist zu lang: Es darf höchstens {count} Zeichen haben.',
  'password.name': 'Ohne Ihren eigenen Namen ist dieses Passwort zu kurz.',
  'password.common': 'Dieses Passwort gehört zu denen, die als Erstes versucht werden. Wählen Sie ein anderes.',
  'password.unusable': 'Das kann kein Passwort sein. Wählen Sie ein anderes.',
  'password.used-before': 'Das ist Ihr jetziges Passwort, oder Sie hatten es früher. Wählen Sie ein anderes.',
  'password.too-weak': 'Dieses Passwort genügt den Regeln Ihrer Organisation nicht. Wählen Sie ein anderes.',
  'password.too-short-there':
    'Nach den Regeln Ihrer Organisation ist dieses Passwort zu kurz. Wählen Sie ein längeres.',
  'password.too-soon': 'Ihr Passwort wurde erst vor Kurzem geändert und kann noch nicht wieder geändert werden.',
  'password.not-allowed': 'Sie dürfen dieses Passwort nicht selbst ändern. Ihre Administration kann helfen.',
  'password.differ': 'Die beiden Eingaben des neuen Passworts sind verschieden. Geben Sie es noch einmal ein.',
  'password.wrong': 'Das bisherige Passwort stimmt nicht. Es wurde nichts geändert.',
  'password.stale': 'Ihr Passwort wurde inzwischen anderswo geändert. Hier wurde nichts geändert.',
  'password.changed': 'Ihr Passwort ist geändert. Überall sonst sind Sie abgemeldet.',
  'password.elsewhere':
    'Ihr Passwort für {realm} lässt sich hier nicht ändern: Es wird anderswo verwaltet. Ihre Administratorin oder Ihr Administrator kann es ändern oder sagen, wo Sie es können.',
  'action.password': 'Passwort ändern',

  'home.title': 'Sie sind als {user} angemeldet',
  'home.realm': 'bei {realm}',
  'home.apps': 'Ihre Anwendungen',
  'home.no-apps': 'Mit {realm} ist noch keine Anwendung verbunden.',
  'home.other-user': 'Als jemand anderes anmelden',
  'welcome.title': 'Sie sind nicht angemeldet',
  'welcome.text': 'Wo möchten Sie sich anmelden?',

  'logout.title': 'Von {realm} abmelden?',
  'logout.text': 'Sie sind als {user} angemeldet. Die Abmeldung beendet Ihre Sitzung überall bei {realm}:',
  'logout.text-none': 'Sie sind als {user} angemeldet. Die Abmeldung beendet Ihre Sitzung überall bei {realm}.',
  'logout.submit': 'Abmelden',
  'logout.stay': 'Angemeldet bleiben',
  'login.with': 'Mit {provider} anmelden',
  'login.with-last': 'Mit {provider} anmelden, wie zuletzt',
  'login.email': 'E-Mail-Adresse',
  'login.by-email': 'Organisation finden',
  'failure.provider-denied':
    'Die Anmeldung wurde dort abgebrochen oder abgelehnt. Versuchen Sie es noch einmal, oder wählen Sie einen anderen Weg.',
  'failure.provider-unavailable':
    'Dieser Anmeldedienst ist gerade nicht erreichbar. Versuchen Sie es gleich noch einmal, oder wählen Sie einen anderen Weg.',
  'failure.provider-refused':
    'Die Antwort des Anmeldedienstes konnte nicht angenommen werden. Bitte versuchen Sie es noch einmal.',
  'failure.provider-too-weak':
    'Der Anmeldedienst hat dafür nicht genug geprüft. Melden Sie sich dort noch einmal mit allen Schritten an.',
  'failure.provider-nobody': 'Sie sind dort angemeldet, haben hier aber kein Konto. Ihre Administration kann helfen.',
  'failure.no-such-organisation':
    'Zu dieser Adresse ist keine Organisation bekannt. Prüfen Sie sie, oder wählen Sie einen anderen Weg.',
  'leaving.title': 'Weiter zu {provider}',
  'leaving.text': 'Sie werden zur Anmeldung zu {provider} weitergeleitet.',
  'leaving.out': 'Hier sind Sie abgemeldet. {provider} meldet Sie dort ab.',
  'leaving.go': 'Weiter zu {provider}',
  'leaving.signing-out': 'Sie werden abgemeldet',
  'leaving.stuck': '{provider} hat nicht geantwortet',
  'leaving.stuck-text':
    'Hier sind Sie abgemeldet. {provider} hat Sie nicht zurückgebracht; ob Sie dort abgemeldet sind, weiß niemand.',
  'leaving.pass': 'Ohne Antwort weiter',
  'leaving.again': '{provider} noch einmal versuchen',
  'leaving.left-text':
    'Hier sind Sie abgemeldet. Wo es unten steht, können Sie noch angemeldet sein: Melden Sie sich dort ab, oder schließen Sie den Browser.',
  'leaving.waiting': 'Kommt noch',
  'leaving.now': 'Wird abgemeldet …',
  'leaving.done': 'Abgemeldet',
  'leaving.failed': 'Nicht bestätigt',
  'leaving.none': 'Nicht erreichbar',
  'leaving.told': 'Wird verständigt',
  'leaving.on': 'Weiter',
  'error.provider-answer.title': 'Diese Anmeldung ist vorbei',
  'error.provider-answer.text':
    'Sie hat zu lange gedauert, wurde in einem anderen Tab beendet oder nicht in diesem Browser begonnen. Bitte melden Sie sich noch einmal an.',
  'logout.from-client':
    '{client} möchte Sie abmelden. Sie sind als {user} angemeldet. Die Abmeldung beendet Ihre Sitzung überall bei {realm}.',
  'consent.title': 'Weiter zu {client}?',
  'consent.text': 'Sie sind als {user} angemeldet. {client} möchte Folgendes über Sie erfahren:',
  'consent.scope-openid': 'Wer Sie hier sind',
  'consent.scope-profile': 'Ihren Namen',
  'consent.scope-email': 'Ihre E-Mail-Adresse',
  'consent.scope-phone': 'Ihre Telefonnummer',
  'consent.scope-groups': 'Ihre Gruppen',
  'consent.scope-offline_access': 'All das auch, während Sie nicht angemeldet sind',
  'consent.allow': 'Erlauben',
  'consent.deny': 'Nicht erlauben',
  'device.title': 'Gerät verbinden',
  'device.text': 'Geben Sie den Code ein, den Ihr Gerät zeigt.',
  'device.code': 'Code',
  'device.wrong': 'Diesen Code gibt es nicht, oder er wurde schon benutzt. Prüfen Sie, was Ihr Gerät zeigt.',
  'device.over': 'Dieser Code ist abgelaufen. Lassen Sie Ihr Gerät einen neuen zeigen.',
  'device.failed':
    'Das hat nicht geklappt. Lassen Sie Ihr Gerät einen neuen Code zeigen und versuchen Sie es noch einmal.',
  'device.confirm': 'Bei {client} anmelden?',
  'device.confirm-text':
    'Fahren Sie nur fort, wenn Ihr eigenes Gerät genau diesen Code zeigt. Wer das Gerät hat, ist dann bei {client} als Sie angemeldet.',
  'device.done': 'Ihr Gerät ist verbunden',
  'device.done-text': '{client} macht von selbst weiter. Sie können diese Seite schließen.',
  'turned-away.title': '{client} ist für Sie nicht freigegeben',
  'turned-away.text':
    'Sie sind als {user} angemeldet, aber nichts erlaubt Ihnen, {client} zu benutzen. Wenn Sie es brauchen, fragen Sie Ihre Administration.',
  'turned-away.back': 'Zurück zu {client}',
  'turned-away.another': 'Als jemand anderes anmelden',
  'openid.refused': 'Die Anfrage der Anwendung konnte nicht beantwortet werden',
  'openid.refused-text':
    'Gehen Sie zur Anwendung zurück und versuchen Sie es noch einmal. Geschieht es wieder, muss ihr Betreiber sich dies ansehen:',
  'logged-out.title': 'Sie sind abgemeldet',
  'logged-out.text': 'Schließen Sie auf einem gemeinsam benutzten Computer auch den Browser.',
  'logged-out.back': 'Zurück zu {site}',
  'logged-out.again': 'Wieder anmelden',

  'error.forbidden.title': 'Sie haben hier keinen Zugang',
  'error.forbidden.text':
    'Sie sind angemeldet, aber nichts erlaubt Ihnen, das zu öffnen. Wenn Sie es brauchen, fragen Sie Ihre Administration.',
  'error.unreachable.title': 'Eine stärkere Anmeldung ist nicht möglich',
  'error.unreachable.text':
    'Was Sie öffnen möchten, verlangt eine stärkere Anmeldung, als {realm} Ihnen anbietet. Ihre Administration kann das ändern.',
  'error.no-certificate.title': 'Ein Zertifikat ist nötig',
  'error.no-certificate.text':
    'Die Anmeldung verlangt hier ein Zertifikat, und Ihr Browser hat keines gezeigt. Installieren Sie es oder stecken Sie Ihre Karte ein, schließen Sie alle Fenster des Browsers und versuchen Sie es noch einmal.',
  'error.certificate.title': 'Ihr Zertifikat wird nicht angenommen',
  'error.certificate.text':
    'Ihr Browser hat ein Zertifikat gezeigt, das {realm} nicht annimmt: Es kann abgelaufen oder gesperrt sein oder hier niemandem gehören. Ihre Administration kann den Grund nachsehen.',
  'error.too-many-anonymous.title': 'Zu viele Besuche auf einmal',
  'error.too-many-anonymous.text':
    'Aus Ihrem Netz sind viele ohne Anmeldung gekommen. Melden Sie sich an, oder versuchen Sie es in einer Viertelstunde noch einmal.',
  'error.approval-over.title': 'Diese Genehmigung ist vorbei',
  'error.approval-over.text':
    'Sie wurde schon erteilt, hat länger als drei Minuten gedauert oder gehört zu einer anderen Anmeldung. Gehen Sie zurück: Wird noch eine Genehmigung gebraucht, werden Sie erneut gefragt.',
  'error.login-address.title': 'Diese Anmeldeadresse funktioniert nicht',
  'error.login-address.text':
    'Sie verlangt eine Art der Anmeldung, die es bei {realm} nicht gibt. Melden Sie sich ohne sie an, oder sagen Sie Ihrer Administration, wo Sie diesen Link gefunden haben.',
  'error.unavailable.title': 'Bitte gleich noch einmal versuchen',
  'error.unavailable.text':
    'Wir können Sitzungen gerade nicht prüfen. Waren Sie angemeldet, sind Sie es weiterhin, und nichts ist verloren.',
  'error.upstream.title': 'Die Anwendung antwortet nicht',
  'error.upstream.text':
    'Die Anwendung selbst ist nicht erreichbar. Mit Ihrer Anmeldung hat das nichts zu tun. Bitte versuchen Sie es später noch einmal.',
  'error.bad-request.title': 'Diese Adresse funktioniert nicht',
  'error.bad-request.text':
    'Die Anfrage war nicht eindeutig und wurde deshalb nicht weitergegeben. Prüfen Sie die Adresse auf Tippfehler.',
  'error.too-large.title': 'Das ist zu groß',
  'error.too-large.text': 'Es wurde mehr gesendet, als diese Seite annimmt. Gehen Sie zurück und senden Sie weniger.',
  'error.unknown-host.title': 'Hier ist nichts',
  'error.unknown-host.text': 'Unter dieser Adresse ist keine Anwendung bekannt. Prüfen Sie sie auf Tippfehler.',
  'error.not-found.title': 'Diese Seite gibt es nicht',
  'error.not-found.text': 'Vielleicht ist die Adresse vertippt, oder die Seite ist umgezogen.',
  'error.method-not-allowed.title': 'Das geht hier nicht',
  'error.method-not-allowed.text': 'Die Art, wie die Seite aufgerufen wurde, ist unter dieser Adresse nicht erlaubt.',
  'error.cross-site.title': 'Dieses Formular kam von anderswo',
  'error.cross-site.text':
    'Zu Ihrer Sicherheit nehmen wir nur Formulare unserer eigenen Seiten an. Es wurde nichts geändert.',
  'error.open-at-top-level.title': 'Bitte melden Sie sich zuerst an',
  'error.open-at-top-level.text':
    'Die Anmeldung läuft nicht innerhalb einer anderen Seite. Öffnen Sie sie in einem eigenen Fenster.',
  'error.form-waits.title': 'Bitte weisen Sie sich zuerst aus',
  'error.form-waits.text': 'Diese Seite geht von selbst weiter. Wenn nicht, benutzen Sie die Schaltfläche.',
  'error.goes-on.title': 'Sie werden angemeldet',
  'error.goes-on.text': 'Diese Seite geht von selbst weiter. Wenn nicht, benutzen Sie die Schaltfläche.',
  'error.token-needed.title': 'Ihre Anmeldung allein genügt hier nicht',
  'error.token-needed.text':
    'Für dieses Konto muss jede Anfrage außer der Anmeldung ein signiertes Token mitbringen, was ein Browser von selbst nicht tut. Wenn Sie das nicht erwartet haben, fragen Sie Ihre Administration.',
  'error.loop.title': 'Die Anmeldung hält nicht',
  'error.loop.text':
    'Sie sind angemeldet, aber die Anwendung bemerkt es nicht. Wir haben angehalten, bevor es sich im Kreis dreht.',
  'error.form-kept.title': 'Formular an {site} absenden',
  'error.form-kept.text':
    'Sie mussten sich anmelden, bevor Ihr Formular abgeschickt werden konnte. Es wurde aufgehoben und noch nicht abgeschickt.',
  'error.form-not-kept.title': 'Ihr Formular wurde nicht abgeschickt',
  'error.form-not-kept.text':
    'Es wurde schon abgeschickt, ist zu groß oder zu alt zum Aufheben, oder es gehört jemand anderem. Bitte füllen Sie es noch einmal aus.',
  'error.internal.title': 'Bei uns ist etwas schiefgegangen',
  'error.internal.text': 'Es liegt nicht an Ihnen und ist vermerkt. Bitte versuchen Sie es noch einmal.',

  'cause.cookie-not-returned':
    'Ihr Browser hat das Cookie nicht zurückgeschickt. Erlauben Sie Cookies für diese Adresse und versuchen Sie es noch einmal.',
  'cause.two-cookies':
    'Ihr Browser sendet zwei verschiedene Cookies mit demselben Namen. Löschen Sie die Cookies dieser Adresse und versuchen Sie es noch einmal.',
  'cause.clock':
    'Die Uhr dieses Computers oder des Servers geht falsch. Stellen Sie sie und versuchen Sie es noch einmal.',
  'cause.secure-over-http':
    'Diese Adresse ist über http geöffnet, ihre Cookies brauchen aber https. Verwenden Sie eine Adresse, die mit https:// beginnt.',
  'cause.unknown':
    'Schließen Sie alle Fenster dieser Anwendung und versuchen Sie es noch einmal. Geschieht es wieder, nennen Sie dem Support die Anfragenummer.',

  'action.retry': 'Noch einmal versuchen',
  'action.home': 'Zur Startseite',
  'action.apps': 'Zu Ihren Anwendungen',
  'action.account': 'Ihre Sitzungen',
  'action.sign-in': 'Anmelden',
  'action.sign-out': 'Abmelden',
  'action.other-user': 'Als jemand anderes anmelden',
  'action.open': 'In eigenem Fenster öffnen',

  'form.send': 'Formular absenden',
  'form.discard': 'Nicht absenden',
  'action.back': 'Zurück zur Seite',
  'form.target': 'Geht an',
  'form.fields': 'Felder',
  'form.files': 'Dateien',
  'form.size': 'Größe',

  'detail.site': 'Anwendung',
  'detail.user': 'Angemeldet als',
  'detail.policy': 'Entschieden durch',
  'detail.why': 'Warum (für die Verwaltung)',
  'detail.request': 'Anfragenummer',
  'detail.wait': 'Bitte warten Sie {duration} bis zum nächsten Versuch.',

  'footer.language': 'Sprache',
  'footer.change': 'Ändern',
  'footer.help': 'Hilfe',
}
