import type { Catalogue } from './en.ts'

export const fr: Catalogue = {
  'login.title': 'Se connecter à {realm}',
  'login.continue': 'pour continuer vers {site}',
  'login.username': 'Nom d’utilisateur',
  'login.password': 'Mot de passe',
  'login.show': 'Afficher le mot de passe',
  'login.submit': 'Se connecter',
  'login.next': 'Continuer',
  'login.busy': 'Connexion en cours…',
  'login.confirm': 'Confirmez que c’est bien vous',
  'login.code': 'Code',
  'login.approve': 'Approuver',
  'login.cancel': 'Annuler',
  'login.use-other': 'Utiliser plutôt {module}',
  'login.without': 'Continuer sans se connecter',

  'failure.bad-credentials':
    'Ce nom d’utilisateur et ce mot de passe ne correspondent pas. Vérifiez les deux et réessayez.',
  'failure.password-expired':
    'Ce mot de passe a expiré ou doit être changé avant de servir. Changez-le là où votre organisation gère les mots de passe, puis connectez-vous.',
  'failure.throttled': 'Trop d’essais. Attendez {duration}, puis réessayez.',
  'failure.session-changed':
    'Votre session a changé entre-temps dans une autre fenêtre. Veuillez vous connecter à nouveau.',
  'failure.wrong-code': 'Ce code n’est pas valable ou a déjà servi. Attendez le suivant et saisissez-le.',

  'notice.expired': 'Cette page est restée ouverte trop longtemps. Veuillez vous connecter à nouveau.',
  'notice.cookie': 'Votre navigateur n’a pas renvoyé notre cookie. Autorisez les cookies pour {host}, puis réessayez.',
  'notice.switch-end': 'Vous êtes connecté à {realm} en tant que {user}. Vous connecter ici met fin à cette session.',
  'notice.switch-keep':
    'Vous êtes connecté à {realm} en tant que {user}. Vous connecter ici met cette session de côté.',
  'notice.step-up': 'Vous êtes connecté en tant que {user}. {site} demande une seconde preuve que c’est bien vous.',
  'notice.step-up-here':
    'Vous êtes connecté en tant que {user}. Ce que vous voulez faire demande une seconde preuve que c’est bien vous.',
  'notice.approve':
    'Vous êtes connecté en tant que {user}. {site} vous demande d’approuver une requête : {method} {path}. Elle passe une seule fois, dans les trois minutes.',
  'notice.again':
    'Vous êtes connecté en tant que {user}. Se connecter sous une autre identité met fin à cette session.',
  'notice.age':
    'Vous êtes connecté en tant que {user}. {site} vous demande de le confirmer à nouveau, car la dernière fois date d’un moment.',
  'notice.age-here':
    'Vous êtes connecté en tant que {user}. Ce que vous voulez faire demande une nouvelle confirmation, car la dernière date d’un moment.',
  'notice.enrol':
    'Vous êtes connecté en tant que {user}. {site} demande une seconde preuve que c’est bien vous, et vous n’en avez pas encore configuré.',
  'notice.enrol-here':
    'Vous êtes connecté en tant que {user}. Ce que vous voulez faire demande une seconde preuve que c’est bien vous, et vous n’en avez pas encore configuré.',
  'enrol.title': 'Configurez votre application d’authentification',
  'enrol.submit': 'Confirmer et continuer',
  'enrol.qr': 'Code QR pour votre application d’authentification',
  'enrol.open': 'Ouvrir dans une application d’authentification sur cet appareil',
  'enrol.secret': 'Ou saisissez cette clé dans l’application :',
  'enrol.totp.text':
    'Scannez l’image avec une application d’authentification sur votre téléphone, puis saisissez les six chiffres qu’elle affiche.',
  'login.recovery-code': 'Code de secours',
  'login.recovery-confirm': 'Saisissez un de ces codes pour montrer que vous les avez conservés',
  'enrol.recovery.title': 'Conservez ces codes de secours',
  'enrol.recovery.text':
    'Chacun remplace une fois votre autre seconde preuve pour {realm}, si vous la perdez. Imprimez-les ou notez-les et gardez-les là où vous seul les trouverez : ils ne sont affichés que cette fois.',
  'enrol.recovery.left': 'Il vous reste {left} codes de la série précédente. Les nouveaux les remplacent.',
  'enrol.later': 'Pas maintenant',
  'failure.wrong-recovery-code': 'Ce code n’est pas l’un des vôtres ou a déjà servi. Vérifiez-le et réessayez.',
  'module.recovery': 'un code de secours',
  'module.x509': 'un certificat',
  'login.resend': 'Envoyer un nouveau code',
  'code.email':
    'Nous avons envoyé un code à huit chiffres à votre adresse e-mail, si ce compte en a une. Il est valable cinq minutes.',
  'code.sms':
    'Nous avons envoyé un code à huit chiffres à votre téléphone, si ce compte en a un. Il est valable cinq minutes.',
  'failure.not-sent': 'Nous n’avons pas pu envoyer le code. Attendez un instant et demandez-en un nouveau.',
  'failure.sent-too-often':
    'Plusieurs codes ont déjà été demandés. Attendez un quart d’heure avant d’en demander un autre.',
  'module.email': 'un code par e-mail',
  'module.sms': 'un code par SMS',
  'module.externalJwt': 'un jeton',
  'module.totp': 'l’application d’authentification',
  'module.password': 'le mot de passe',
  'login.key-name': 'Nom de cette clé, si vous le souhaitez',
  'webauthn.sign-in': 'Se connecter avec une clé d’accès',
  'webauthn.use': 'Utiliser une clé d’accès ou de sécurité',
  'webauthn.text': 'Confirmez avec votre clé d’accès ou de sécurité que c’est bien vous.',
  'webauthn.needs-script':
    'Les clés d’accès et de sécurité ont besoin de JavaScript, qui est désactivé dans ce navigateur.',
  'webauthn.cancelled': 'Rien n’a été confirmé. Réessayez ou choisissez un autre moyen.',
  'webauthn.exists': 'Cet appareil ou cette clé de sécurité est déjà configuré pour vous. Utilisez-en un autre.',
  'webauthn.unsupported':
    'Ce navigateur ne connaît pas les clés d’accès. Utilisez un autre navigateur ou choisissez un autre moyen.',
  'failure.wrong-key': 'Cette clé d’accès ou de sécurité n’a pas été acceptée. Réessayez ou choisissez un autre moyen.',
  'failure.not-set-up':
    'Cette clé d’accès ou de sécurité n’a pas pu être configurée. Réessayez ou utilisez-en une autre.',
  'enrol.webauthn.title': 'Configurez une clé d’accès',
  'enrol.webauthn.text':
    'Votre appareil ou votre clé de sécurité demande votre empreinte, votre visage ou votre code PIN. Ensuite, il confirme à {realm} que c’est bien vous.',
  'enrol.webauthn.submit': 'Créer une clé d’accès',
  'module.webauthn': 'la clé d’accès ou de sécurité',

  'quota.title': 'Vous êtes déjà connecté {count} fois',
  'quota.title-one': 'Vous êtes déjà connecté',
  'quota.text':
    '{realm} n’autorise pas davantage de sessions simultanées à {user}. Terminez-en une pour continuer ici. Tout ce qui y est ouvert sera déconnecté.',
  'quota.end': 'Terminer celle-ci et continuer',
  'quota.end-name': 'Terminer celle-ci et continuer : {device}, connexion {ago}',
  'quota.cancel': 'Ne pas se connecter',
  'session.device': '{browser} sur {system}',
  'session.unknown-device': 'Appareil inconnu',
  'session.since': 'Connexion : {ago}',
  'session.used': 'dernière utilisation : {ago}',
  'session.end-name': 'Terminer la session sur {device}, ouverte {ago}',

  'account.title': 'Vos sessions',
  'account.where': 'Connecté à {realm} en tant que {user}',
  'account.this': 'Celle-ci',
  'account.others': 'Autres sessions ({count})',
  'account.others-text':
    'Si l’une d’elles n’est pas la vôtre, terminez-la et prévenez votre administrateur : quelqu’un connaît peut-être votre mot de passe.',
  'account.none': 'Vous n’êtes connecté nulle part ailleurs.',
  'account.end': 'Terminer',
  'account.end-others': 'Se déconnecter partout ailleurs',
  'account.ended': 'Cette session est terminée. Tout ce qui y était ouvert est déconnecté.',
  'account.ended-others': 'Vous êtes déconnecté partout ailleurs.',
  'account.gone': 'Cette session n’est plus dans votre liste. Elle s’est peut-être terminée entre-temps.',
  'account.pages': 'Pages de la liste',
  'account.page': 'Page {page} sur {pages}',
  'account.previous': 'Page précédente',
  'account.next': 'Page suivante',
  'factors.title': 'Vos preuves d’identité',
  'factors.none': 'Vous n’avez pas encore de seconde preuve.',
  'factors.change': 'Modifier',
  'factors.change-name': 'Modifier {name}',
  'factors.add': 'Ajouter : {factor}',
  'factors.renew': 'Remplacer : {factor}',
  'account.factors-removed': 'La preuve a été supprimée et ne vaut plus rien.',
  'account.factors-renamed': 'Le nom a été modifié.',
  'account.factors-gone': 'Cette preuve n’est plus dans votre liste, ou ne peut pas être modifiée.',
  'applications.title': 'Applications que vous avez autorisées',
  'applications.text': 'Chacune peut savoir ce qui est indiqué ici. Si vous le retirez, elle devra vous le redemander.',
  'applications.agreed': 'autorisée {ago}',
  'applications.take-back': 'Retirer',
  'applications.take-back-name': 'Retirer ce que {client} peut savoir',
  'account.taken-back': 'Elle ne peut plus rien savoir ni faire pour vous, et doit vous le redemander.',
  'factor.title': 'Modifier {name}',
  'factor.added': 'ajoutée {ago}',
  'factor.used': 'dernière utilisation {ago}',
  'factor.left': '{left} restants',
  'factor.declared': 'définie par votre administrateur',
  'factor.name': 'Nom',
  'factor.save': 'Enregistrer',
  'factor.remove': 'Supprimer',
  'factor.last':
    'C’est votre dernière seconde preuve. Une fois supprimée, vous ne pourrez plus ouvrir ce qui en demande une avant d’en configurer une autre.',
  'factor.new': 'C’est configuré. Donnez-lui un nom pour la distinguer des autres.',
  'factor.type.totp': 'Application d’authentification',
  'factor.type.webauthn': 'Clé de sécurité ou clé d’accès',
  'factor.type.recovery': 'Codes de récupération',
  'factor.type.device': 'Appareil mémorisé',
  'device.remember': 'Mémoriser ce navigateur pendant {days} jours. Pas sur un ordinateur partagé.',
  'device.remember-one': 'Mémoriser ce navigateur pendant un jour. Pas sur un ordinateur partagé.',
  'factor.until': 'valable jusqu’au {until}',
  'account.sign-in': 'Connectez-vous pour voir vos sessions. Où souhaitez-vous vous connecter ?',

  'password.title': 'Choisir un nouveau mot de passe',
  'password.where': 'Connecté à {realm} en tant que {user}',
  'password.current': 'Mot de passe actuel',
  'password.new': 'Nouveau mot de passe',
  'password.again': 'Nouveau mot de passe, encore une fois',
  'password.submit': 'Changer le mot de passe',
  'password.text':
    'Au moins {count} caractères, de n’importe quelle sorte. Quelques mots que vous seul mettriez ensemble conviennent bien et se retiennent facilement.',
  'password.must-change': 'Votre mot de passe doit être changé avant de continuer.',
  'password.password-expired': 'Votre mot de passe a expiré. Choisissez-en un nouveau pour continuer.',
  'password.too-short': 'Ce mot de passe est trop court : il faut au moins {count} caractères.',
  'password.too-long': 'Ce mot de passe est trop long : {count} caractères au plus.',
  'password.name': 'Sans votre propre nom, ce mot de passe est trop court.',
  'password.common': 'Ce mot de passe est l’un de ceux que l’on essaie en premier. Choisissez-en un autre.',
  'password.unusable': 'Cela ne peut pas servir de mot de passe. Choisissez-en un autre.',
  'password.used-before': 'C’est votre mot de passe actuel, ou l’un des précédents. Choisissez-en un autre.',
  'password.too-weak': 'Ce mot de passe ne respecte pas les règles de votre organisation. Choisissez-en un autre.',
  'password.too-short-there':
    'Ce mot de passe est trop court selon les règles de votre organisation. Choisissez-en un plus long.',
  'password.too-soon': 'Votre mot de passe a été changé il y a peu et ne peut pas encore être changé à nouveau.',
  'password.not-allowed': 'Vous ne pouvez pas changer ce mot de passe vous-même. Votre administrateur peut vous aider.',
  'password.differ': 'Les deux saisies du nouveau mot de passe diffèrent. Saisissez-le à nouveau.',
  'password.wrong': 'Le mot de passe actuel n’est pas le bon. Rien n’a été changé.',
  'password.stale': 'Votre mot de passe a été changé ailleurs entre-temps. Rien n’a été changé ici.',
  'password.changed': 'Votre mot de passe est changé. Vous êtes déconnecté partout ailleurs.',
  'password.elsewhere':
    'Votre mot de passe pour {realm} ne peut pas être changé ici : il est géré ailleurs. Votre administrateur peut le changer, ou vous dire où le faire.',
  'action.password': 'Changer votre mot de passe',

  'home.title': 'Vous êtes connecté en tant que {user}',
  'home.realm': 'à {realm}',
  'home.apps': 'Vos applications',
  'home.no-apps': 'Aucune application n’est encore reliée à {realm}.',
  'home.other-user': 'Se connecter sous une autre identité',
  'welcome.title': 'Vous n’êtes pas connecté',
  'welcome.text': 'Où souhaitez-vous vous connecter ?',

  'logout.title': 'Se déconnecter de {realm} ?',
  'logout.text': 'Vous êtes connecté en tant que {user}. La déconnexion met fin à votre session partout dans {realm} :',
  'logout.text-none':
    'Vous êtes connecté en tant que {user}. La déconnexion met fin à votre session partout dans {realm}.',
  'logout.submit': 'Se déconnecter',
  'logout.stay': 'Rester connecté',
  'login.with': 'Se connecter avec {provider}',
  'login.with-last': 'Se connecter avec {provider}, comme la dernière fois',
  'login.email': 'Adresse e-mail',
  'login.by-email': 'Trouver votre organisation',
  'failure.provider-denied': 'La connexion y a été annulée ou refusée. Réessayez ou choisissez un autre moyen.',
  'failure.provider-unavailable':
    'Ce service de connexion est injoignable pour le moment. Réessayez dans un instant ou choisissez un autre moyen.',
  'failure.provider-refused': 'La réponse du service de connexion n’a pas pu être acceptée. Veuillez réessayer.',
  'failure.provider-too-weak':
    'Le service de connexion n’a pas assez vérifié pour cela. Connectez-vous-y à nouveau avec toutes les étapes.',
  'failure.provider-nobody':
    'Vous y êtes connecté, mais vous n’avez pas de compte ici. Un administrateur peut vous aider.',
  'failure.no-such-organisation':
    'Aucune organisation n’est connue pour cette adresse. Vérifiez-la ou choisissez un autre moyen.',
  'leaving.title': 'Vers {provider}',
  'leaving.text': 'Vous allez être dirigé vers {provider} pour vous connecter.',
  'leaving.out': 'Vous êtes déconnecté ici. {provider} vous déconnecte là-bas.',
  'leaving.go': 'Continuer vers {provider}',
  'leaving.signing-out': 'Déconnexion en cours',
  'leaving.stuck': '{provider} n’a pas répondu',
  'leaving.stuck-text':
    'Vous êtes déconnecté ici. {provider} ne vous a pas ramené : personne ne sait si vous y êtes déconnecté.',
  'leaving.pass': 'Continuer sans réponse',
  'leaving.again': 'Réessayer avec {provider}',
  'leaving.left-text':
    'Vous êtes déconnecté ici. Là où c’est indiqué ci-dessous, vous êtes peut-être encore connecté : déconnectez-vous là-bas ou fermez le navigateur.',
  'leaving.waiting': 'À suivre',
  'leaving.now': 'Déconnexion…',
  'leaving.done': 'Déconnecté',
  'leaving.failed': 'Non confirmé',
  'leaving.none': 'Ne peut être prévenu',
  'leaving.told': 'En train d’être prévenu',
  'leaving.on': 'Continuer',
  'error.provider-answer.title': 'Cette connexion est terminée',
  'error.provider-answer.text':
    'Elle a duré trop longtemps, a été achevée dans un autre onglet ou n’a pas commencé dans ce navigateur. Veuillez vous reconnecter.',
  'logout.from-client':
    '{client} demande à vous déconnecter. Vous êtes connecté en tant que {user}. La déconnexion met fin à votre session partout dans {realm}.',
  'consent.title': 'Continuer vers {client} ?',
  'consent.text': 'Vous êtes connecté en tant que {user}. {client} souhaite connaître ceci à votre sujet :',
  'consent.scope-openid': 'Qui vous êtes ici',
  'consent.scope-profile': 'Votre nom',
  'consent.scope-email': 'Votre adresse e-mail',
  'consent.scope-phone': 'Votre numéro de téléphone',
  'consent.scope-groups': 'Les groupes dont vous faites partie',
  'consent.scope-offline_access': 'Tout cela aussi lorsque vous n’êtes pas connecté',
  'consent.allow': 'Autoriser',
  'consent.deny': 'Ne pas autoriser',
  'device.title': 'Connecter un appareil',
  'device.text': 'Saisissez le code que votre appareil affiche.',
  'device.code': 'Code',
  'device.wrong': 'Ce code n’existe pas ou a déjà été utilisé. Vérifiez ce que votre appareil affiche.',
  'device.over': 'Ce code a expiré. Demandez-en un nouveau à votre appareil.',
  'device.failed': 'Cela n’a pas fonctionné. Demandez un nouveau code à votre appareil et réessayez.',
  'device.confirm': 'Se connecter à {client} ?',
  'device.confirm-text':
    'Ne continuez que si votre propre appareil affiche exactement ce code. Qui tient l’appareil sera connecté à {client} à votre place.',
  'device.done': 'Votre appareil est connecté',
  'device.done-text': '{client} continue tout seul. Vous pouvez fermer cette page.',
  'turned-away.title': '{client} ne vous est pas ouvert',
  'turned-away.text':
    'Vous êtes connecté en tant que {user}, mais rien ne vous autorise à utiliser {client}. Si vous en avez besoin, adressez-vous à votre administrateur.',
  'turned-away.back': 'Retour à {client}',
  'turned-away.another': 'Se connecter sous un autre nom',
  'openid.refused': 'La demande de l’application n’a pas pu aboutir',
  'openid.refused-text':
    'Retournez à l’application et réessayez. Si cela se reproduit, son exploitant doit examiner ceci :',
  'logged-out.title': 'Vous êtes déconnecté',
  'logged-out.text': 'Sur un ordinateur partagé, fermez aussi le navigateur.',
  'logged-out.back': 'Retour à {site}',
  'logged-out.again': 'Se reconnecter',

  'error.forbidden.title': 'Vous n’avez pas accès',
  'error.forbidden.text':
    'Vous êtes connecté, mais rien ne vous autorise à ouvrir cette page. Si vous en avez besoin, adressez-vous à votre administrateur.',
  'error.unreachable.title': 'Une connexion plus forte n’est pas disponible',
  'error.unreachable.text':
    'Ce que vous souhaitez ouvrir exige une connexion plus forte que celles que {realm} vous propose. Votre administrateur peut changer cela.',
  'error.no-certificate.title': 'Un certificat est nécessaire',
  'error.no-certificate.text':
    'La connexion demande ici un certificat, et votre navigateur n’en a présenté aucun. Installez-le ou insérez votre carte, fermez toutes les fenêtres du navigateur et réessayez.',
  'error.certificate.title': 'Votre certificat n’est pas accepté',
  'error.certificate.text':
    'Votre navigateur a présenté un certificat que {realm} n’accepte pas : il a peut-être expiré, été révoqué, ou n’appartient à personne ici. Votre administrateur peut en consulter la raison.',
  'error.too-many-anonymous.title': 'Trop de visites à la fois',
  'error.too-many-anonymous.text':
    'De nombreuses personnes de votre réseau sont venues sans se connecter. Connectez-vous, ou réessayez dans un quart d’heure.',
  'error.approval-over.title': 'Cette approbation n’est plus attendue',
  'error.approval-over.text':
    'Elle a déjà été donnée, a pris plus de trois minutes ou appartient à une autre connexion. Revenez en arrière : si une approbation est encore nécessaire, elle vous sera redemandée.',
  'error.login-address.title': 'Cette adresse de connexion ne fonctionne pas',
  'error.login-address.text':
    'Elle demande un mode de connexion que {realm} ne propose pas. Connectez-vous sans lui, ou dites à votre administrateur où vous avez trouvé ce lien.',
  'error.unavailable.title': 'Réessayez dans un instant',
  'error.unavailable.text':
    'Nous ne pouvons pas vérifier les sessions pour le moment. Si vous étiez connecté, vous l’êtes toujours et rien n’est perdu.',
  'error.upstream.title': 'L’application ne répond pas',
  'error.upstream.text':
    'L’application elle-même est injoignable. Votre connexion n’est pas en cause. Veuillez réessayer plus tard.',
  'error.bad-request.title': 'Cette adresse ne fonctionne pas',
  'error.bad-request.text':
    'La requête était ambiguë et n’a donc pas été transmise. Vérifiez que l’adresse ne contient pas de faute de frappe.',
  'error.too-large.title': 'C’est trop volumineux',
  'error.too-large.text': 'L’envoi dépasse ce que cette page accepte. Revenez en arrière et envoyez-en moins.',
  'error.unknown-host.title': 'Il n’y a rien ici',
  'error.unknown-host.text':
    'Aucune application n’est connue à cette adresse. Vérifiez qu’elle ne contient pas de faute de frappe.',
  'error.not-found.title': 'Cette page n’existe pas',
  'error.not-found.text': 'L’adresse est peut-être mal saisie, ou la page a été déplacée.',
  'error.method-not-allowed.title': 'Ce n’est pas possible ici',
  'error.method-not-allowed.text': 'La page a été appelée d’une manière qui n’est pas autorisée à cette adresse.',
  'error.cross-site.title': 'Ce formulaire vient d’ailleurs',
  'error.cross-site.text':
    'Pour votre sécurité, seuls les formulaires de nos propres pages sont acceptés. Rien n’a été modifié.',
  'error.open-at-top-level.title': 'Veuillez d’abord vous connecter',
  'error.open-at-top-level.text':
    'La connexion ne fonctionne pas à l’intérieur d’une autre page. Ouvrez-la dans sa propre fenêtre.',
  'error.form-waits.title': 'Veuillez d’abord confirmer votre identité',
  'error.form-waits.text': 'Cette page continue d’elle-même. Sinon, utilisez le bouton.',
  'error.goes-on.title': 'Connexion en cours',
  'error.goes-on.text': 'Cette page continue d’elle-même. Sinon, utilisez le bouton.',
  'error.token-needed.title': 'Votre connexion ne suffit pas ici',
  'error.token-needed.text':
    'Pour ce compte, chaque requête doit apporter un jeton signé en plus de la connexion, ce qu’un navigateur ne fait pas de lui-même. Si cela vous surprend, adressez-vous à votre administrateur.',
  'error.loop.title': 'La connexion ne tient pas',
  'error.loop.text':
    'Vous êtes connecté, mais l’application ne le remarque pas. Nous avons arrêté avant de tourner en rond.',
  'error.form-kept.title': 'Continuer l’envoi de votre formulaire à {site}',
  'error.form-kept.text':
    'Vous avez dû vous connecter avant l’envoi de votre formulaire. Il a été conservé et rien n’a encore été envoyé.',
  'error.form-not-kept.title': 'Votre formulaire n’a pas été envoyé',
  'error.form-not-kept.text':
    'Il a déjà été envoyé, il est trop volumineux ou trop ancien pour être conservé, ou il appartient à quelqu’un d’autre. Veuillez le remplir à nouveau.',
  'error.internal.title': 'Une erreur s’est produite de notre côté',
  'error.internal.text': 'Vous n’y êtes pour rien et l’incident est noté. Veuillez réessayer.',

  'cause.cookie-not-returned':
    'Votre navigateur n’a pas renvoyé le cookie. Autorisez les cookies pour cette adresse, puis réessayez.',
  'cause.two-cookies':
    'Votre navigateur envoie deux cookies différents du même nom. Supprimez les cookies de cette adresse, puis réessayez.',
  'cause.clock': 'L’horloge de cet ordinateur ou du serveur est fausse. Réglez-la, puis réessayez.',
  'cause.secure-over-http':
    'Cette adresse est ouverte en http, mais ses cookies exigent https. Utilisez une adresse qui commence par https://.',
  'cause.unknown':
    'Fermez toutes les fenêtres de cette application, puis réessayez. Si cela se reproduit, donnez le numéro de requête à votre assistance.',

  'action.retry': 'Réessayer',
  'action.home': 'Aller à la page d’accueil',
  'action.apps': 'Aller à vos applications',
  'action.account': 'Vos sessions',
  'action.sign-in': 'Se connecter',
  'action.sign-out': 'Se déconnecter',
  'action.other-user': 'Se connecter sous une autre identité',
  'action.open': 'Ouvrir dans sa propre fenêtre',

  'form.send': 'Envoyer le formulaire',
  'form.discard': 'Ne pas l’envoyer',
  'action.back': 'Retour à la page',
  'form.target': 'Destination',
  'form.fields': 'Champs',
  'form.files': 'Fichiers',
  'form.size': 'Taille',

  'detail.site': 'Application',
  'detail.user': 'Connecté en tant que',
  'detail.policy': 'Décidé par',
  'detail.why': 'Raison (pour l’administration)',
  'detail.request': 'Numéro de requête',
  'detail.wait': 'Veuillez attendre {duration} avant de réessayer.',

  'footer.language': 'Langue',
  'footer.change': 'Changer',
  'footer.help': 'Obtenir de l’aide',
}
