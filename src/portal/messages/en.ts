/** English, and the definition of which messages there are. `{name}` is a placeholder. */
export const en = {
  'login.title': 'Sign in to {realm}',
  'login.continue': 'to continue to {site}',
  'login.username': 'Username',
  'login.password': 'Password',
  'login.show': 'Show password',
  'login.submit': 'Sign in',
  'login.next': 'Continue',
  'login.busy': 'Signing in…',
  'login.confirm': 'Confirm that it is you',
  'login.code': 'Code',
  'login.approve': 'Approve',
  'login.cancel': 'Cancel',
  'login.use-other': 'Use {module} instead',

  'failure.bad-credentials': 'This username and password do not match. Check both and try again.',
  'failure.password-expired':
    'This password has expired or has to be changed before it can be used. Change it where your organisation keeps passwords, then sign in.',
  'failure.throttled': 'Too many tries. Wait {duration}, then try again.',
  'failure.session-changed': 'Your session changed in another window meanwhile. Please sign in again.',
  'failure.wrong-code': 'This code is not valid, or was used already. Wait for the next one and enter it.',

  'notice.expired': 'This page was open for too long. Please sign in again.',
  'notice.cookie': 'Your browser did not send our cookie back. Allow cookies for {host}, then try again.',
  'notice.switch-end': 'You are signed in to {realm} as {user}. Signing in here ends that session.',
  'notice.switch-keep': 'You are signed in to {realm} as {user}. Signing in here sets that session aside.',
  'notice.step-up': 'You are signed in as {user}. {site} needs a second proof that it is you.',
  'notice.step-up-here': 'You are signed in as {user}. What you want to do needs a second proof that it is you.',
  'notice.approve':
    'You are signed in as {user}. {site} asks for your approval of one request: {method} {path}. It passes once, within three minutes.',
  'notice.again': 'You are signed in as {user}. Signing in as someone else ends that session.',
  'notice.age':
    'You are signed in as {user}. {site} asks you to confirm it once more, because the last time was a while ago.',
  'notice.age-here':
    'You are signed in as {user}. What you want to do asks you to confirm it once more, because the last time was a while ago.',
  'notice.enrol':
    'You are signed in as {user}. {site} needs a second proof that it is you, and you have not set one up yet.',
  'notice.enrol-here':
    'You are signed in as {user}. What you want to do needs a second proof that it is you, and you have not set one up yet.',
  'enrol.title': 'Set up your authenticator app',
  'enrol.submit': 'Confirm and continue',
  'enrol.qr': 'QR code for your authenticator app',
  'enrol.open': 'Open in an authenticator app on this device',
  'enrol.secret': 'Or type this key into the app:',
  'enrol.totp.text':
    'Scan the picture with an authenticator app on your phone, then enter the six digits that it shows.',
  'login.recovery-code': 'Recovery code',
  'login.recovery-confirm': 'Type one of these codes, to show that you have kept them',
  'enrol.recovery.title': 'Keep these recovery codes',
  'enrol.recovery.text':
    'Each of them works once in place of your other second proof for {realm}, should you lose it. Print them or write them down, and keep them where only you find them: they are shown this one time.',
  'enrol.recovery.left': 'You have {left} codes of your last set left. The new ones take their place.',
  'enrol.later': 'Not now',
  'failure.wrong-recovery-code': 'This code is not one of yours, or was used already. Check it and try again.',
  'module.recovery': 'a recovery code',
  'module.x509': 'a certificate',
  'login.resend': 'Send a new code',
  'code.email':
    'We have sent a code of eight digits to your e-mail address, if there is one for this account. It is valid for five minutes.',
  'code.sms':
    'We have sent a code of eight digits to your telephone, if there is one for this account. It is valid for five minutes.',
  'failure.not-sent': 'We could not send the code. Wait a moment and ask for a new one.',
  'failure.sent-too-often':
    'Several codes have been asked for already. Wait a quarter of an hour before you ask for another.',
  'module.email': 'a code by e-mail',
  'module.sms': 'a code by text message',
  'module.externalJwt': 'a token',
  'module.totp': 'the authenticator app',
  'module.password': 'your password',

  'quota.title': 'You are signed in {count} times already',
  'quota.title-one': 'You are signed in already',
  'quota.text':
    '{realm} allows {user} no more sessions at once. End one of them to continue here. Everything open in it is signed out.',
  'quota.end': 'End this one and continue',
  'quota.end-name': 'End this one and continue: {device}, signed in {ago}',
  'quota.cancel': 'Do not sign in',
  'session.device': '{browser} on {system}',
  'session.unknown-device': 'Unknown device',
  'session.since': 'Signed in {ago}',
  'session.used': 'last used {ago}',
  'session.end-name': 'End the session on {device}, signed in {ago}',

  'account.title': 'Your sessions',
  'account.where': 'Signed in to {realm} as {user}',
  'account.this': 'This one',
  'account.others': 'Other sessions ({count})',
  'account.others-text':
    'If one of them is not yours, end it and tell your administrator: somebody may know your password.',
  'account.none': 'You are not signed in anywhere else.',
  'account.end': 'End',
  'account.end-others': 'Sign out everywhere else',
  'account.ended': 'That session has ended. Everything that was open in it is signed out.',
  'account.ended-others': 'You are signed out everywhere else.',
  'account.gone': 'That session is not in your list any more. It may have ended in the meantime.',
  'account.pages': 'Pages of the list',
  'account.page': 'Page {page} of {pages}',
  'account.previous': 'Previous page',
  'account.next': 'Next page',
  'factors.title': 'How you prove who you are',
  'factors.none': 'You have no second proof yet.',
  'factors.change': 'Change',
  'factors.change-name': 'Change {name}',
  'factors.add': 'Add: {factor}',
  'factors.renew': 'Replace: {factor}',
  'account.factors-removed': 'It was removed, and proves nothing any more.',
  'account.factors-renamed': 'The name was changed.',
  'account.factors-gone': 'That is not in your list any more, or not to be changed.',
  'factor.title': 'Change {name}',
  'factor.added': 'added {ago}',
  'factor.used': 'last used {ago}',
  'factor.left': '{left} left',
  'factor.declared': 'set by your administrator',
  'factor.name': 'Name',
  'factor.save': 'Save',
  'factor.remove': 'Remove',
  'factor.last':
    'This is your last second proof. Once it is removed you cannot open what asks for one, until you set up another.',
  'factor.new': 'It is set up. Give it a name, to tell it from others.',
  'factor.type.totp': 'Authenticator app',
  'factor.type.webauthn': 'Security key or passkey',
  'factor.type.recovery': 'Recovery codes',
  'factor.type.device': 'Remembered device',
  'account.sign-in': 'Sign in to see your sessions. Where would you like to sign in?',

  'password.title': 'Choose a new password',
  'password.where': 'Signed in to {realm} as {user}',
  'password.current': 'Current password',
  'password.new': 'New password',
  'password.again': 'New password once more',
  'password.submit': 'Change the password',
  'password.text':
    'At least {count} characters, of whatever kind. A few words that only you would put together are good, and easy to remember.',
  'password.must-change': 'Your password has to be changed before you can go on.',
  'password.password-expired': 'Your password has expired. Choose a new one to go on.',
  'password.too-short': 'This password is too short: it needs at least {count} characters.',
  'password.too-long': 'This password is too long: it may have at most {count} characters.',
  'password.name': 'Without your own name in it, this password is too short.',
  'password.common': 'This password is one of those that are tried first. Choose another.',
  'password.unusable': 'This cannot be used as a password. Choose another.',
  'password.used-before': 'This is your present password, or one you had before. Choose another.',
  'password.differ': 'The two entries of the new password differ. Type it again.',
  'password.wrong': 'The current password is not right. Nothing was changed.',
  'password.stale': 'Your password was changed elsewhere in the meantime. Nothing was changed here.',
  'password.changed': 'Your password is changed. You are signed out everywhere else.',
  'password.elsewhere':
    'Your password for {realm} cannot be changed here: it is kept elsewhere. Your administrator can change it, or tell you where you can.',
  'action.password': 'Change your password',

  'home.title': 'You are signed in as {user}',
  'home.realm': 'to {realm}',
  'home.apps': 'Your applications',
  'home.no-apps': 'No application is connected to {realm} yet.',
  'home.other-user': 'Sign in as someone else',
  'welcome.title': 'You are not signed in',
  'welcome.text': 'Where would you like to sign in?',

  'logout.title': 'Sign out of {realm}?',
  'logout.text': 'You are signed in as {user}. Signing out ends your session everywhere in {realm}:',
  'logout.text-none': 'You are signed in as {user}. Signing out ends your session everywhere in {realm}.',
  'logout.submit': 'Sign out',
  'logout.stay': 'Stay signed in',
  'logged-out.title': 'You are signed out',
  'logged-out.text': 'On a computer you share with others, close the browser as well.',
  'logged-out.back': 'Back to {site}',
  'logged-out.again': 'Sign in again',

  'error.forbidden.title': 'You do not have access',
  'error.forbidden.text':
    'You are signed in, but nothing allows you to open this. If you need it, ask your administrator.',
  'error.unreachable.title': 'Stronger proof is not available',
  'error.unreachable.text':
    'What you want to open asks for stronger proof of who you are than {realm} offers you. Your administrator can change that.',
  'error.no-certificate.title': 'A certificate is needed',
  'error.no-certificate.text':
    'Signing in here needs a certificate, and your browser has shown none. Install it, or insert your smart card, close all windows of the browser and try again.',
  'error.certificate.title': 'Your certificate is not accepted',
  'error.certificate.text':
    'Your browser has shown a certificate that {realm} does not accept: it may have expired or been revoked, or belong to nobody here. Your administrator can look up why.',
  'error.approval-over.title': 'This approval is over',
  'error.approval-over.text':
    'It was given already, took longer than three minutes, or belongs to another sign-in. Go back: if an approval is still needed, you are asked again.',
  'error.login-address.title': 'This sign-in address does not work',
  'error.login-address.text':
    'It asks for a way of signing in that {realm} does not have. Sign in without it, or tell your administrator where you found this link.',
  'error.unavailable.title': 'Please try again in a moment',
  'error.unavailable.text':
    'We cannot check sessions right now. If you were signed in, you still are, and nothing is lost.',
  'error.upstream.title': 'The application does not answer',
  'error.upstream.text':
    'The application itself cannot be reached. It has nothing to do with your sign-in. Please try again later.',
  'error.bad-request.title': 'This address does not work',
  'error.bad-request.text':
    'The request could not be understood without doubt, so it was not passed on. Check the address for typing errors.',
  'error.too-large.title': 'This is too large',
  'error.too-large.text': 'More was sent than this page accepts. Go back and send less.',
  'error.unknown-host.title': 'Nothing is here',
  'error.unknown-host.text': 'No application is known under this address. Check it for typing errors.',
  'error.not-found.title': 'This page does not exist',
  'error.not-found.text': 'The address may be mistyped, or the page may have moved.',
  'error.method-not-allowed.title': 'This cannot be done here',
  'error.method-not-allowed.text': 'The way in which the page was called is not allowed at this address.',
  'error.cross-site.title': 'This form came from elsewhere',
  'error.cross-site.text': 'For your safety, only forms of our own pages are accepted. Nothing was changed.',
  'error.open-at-top-level.title': 'Please sign in first',
  'error.open-at-top-level.text': 'Sign-in does not run inside another page. Open it in a window of its own.',
  'error.loop.title': 'Signing in does not hold',
  'error.loop.text':
    'You are signed in, but the application does not notice. We stopped before it goes round in circles.',
  'error.form-kept.title': 'Continue sending your form to {site}',
  'error.form-kept.text':
    'You had to sign in before your form could be sent. It was kept, and nothing has been sent yet.',
  'error.form-not-kept.title': 'Your form was not sent',
  'error.form-not-kept.text':
    'It was sent already, is too large or too old to be kept, or belongs to somebody else. Please fill it in once more.',
  'error.internal.title': 'Something went wrong on our side',
  'error.internal.text': 'It is not your fault, and it has been noted. Please try again.',

  'cause.cookie-not-returned':
    'Your browser did not send the cookie back. Allow cookies for this address, then try again.',
  'cause.two-cookies':
    'Your browser sends two different cookies of the same name. Delete the cookies of this address, then try again.',
  'cause.clock': 'The clock of this computer or of the server is wrong. Set it, then try again.',
  'cause.secure-over-http':
    'This address is opened over http, but its cookies need https. Use an address that starts with https://.',
  'cause.unknown':
    'Close all windows of this application, then try again. If it happens again, give your help desk the request id.',

  'action.retry': 'Try again',
  'action.home': 'Go to the start page',
  'action.apps': 'Go to your applications',
  'action.account': 'Your sessions',
  'action.sign-in': 'Sign in',
  'action.sign-out': 'Sign out',
  'action.other-user': 'Sign in as someone else',
  'action.open': 'Open in a window of its own',

  'form.send': 'Send the form',
  'form.discard': 'Do not send it',
  'action.back': 'Back to the page',
  'form.target': 'Goes to',
  'form.fields': 'Fields',
  'form.files': 'Files',
  'form.size': 'Size',

  'detail.site': 'Application',
  'detail.user': 'Signed in as',
  'detail.policy': 'Decided by',
  'detail.request': 'Request id',
  'detail.wait': 'Please wait {duration} before you try again.',

  'footer.language': 'Language',
  'footer.change': 'Change',
  'footer.help': 'Get help',
} as const

export type MessageKey = keyof typeof en

/** One language: every message, no other. */
export type Catalogue = Readonly<Record<MessageKey, string>>
