import type { Catalogue } from './en.ts'

export const es: Catalogue = {
  'login.title': 'Iniciar sesión en {realm}',
  'login.continue': 'para continuar en {site}',
  'login.username': 'Nombre de usuario',
  'login.password': 'Contraseña',
  'login.show': 'Mostrar la contraseña',
  'login.submit': 'Iniciar sesión',
  'login.next': 'Continuar',
  'login.busy': 'Iniciando sesión…',
  'login.confirm': 'Confirme que es usted',
  'login.code': 'Código',
  'login.approve': 'Aprobar',
  'login.cancel': 'Cancelar',
  'login.use-other': 'Usar {module}',
  'login.without': 'Continuar sin iniciar sesión',

  'failure.bad-credentials':
    'Este nombre de usuario y esta contraseña no coinciden. Compruebe ambos e inténtelo de nuevo.',
  'failure.password-expired':
    'Esta contraseña ha caducado o debe cambiarse antes de usarla. Cámbiela donde su organización gestiona las contraseñas y luego inicie sesión.',
  'failure.throttled': 'Demasiados intentos. Espere {duration} e inténtelo de nuevo.',
  'failure.session-changed': 'Mientras tanto, su sesión cambió en otra ventana. Inicie sesión de nuevo.',
  'failure.wrong-code': 'Este código no es válido o ya se usó. Espere al siguiente e introdúzcalo.',

  'notice.expired': 'Esta página estuvo abierta demasiado tiempo. Inicie sesión de nuevo.',
  'notice.cookie': 'Su navegador no devolvió nuestra cookie. Permita las cookies de {host} e inténtelo de nuevo.',
  'notice.switch-end': 'Tiene una sesión en {realm} como {user}. Si inicia sesión aquí, esa sesión termina.',
  'notice.switch-keep': 'Tiene una sesión en {realm} como {user}. Si inicia sesión aquí, esa sesión queda aparte.',
  'notice.step-up': 'Ha iniciado sesión como {user}. {site} necesita una segunda prueba de que es usted.',
  'notice.step-up-here':
    'Ha iniciado sesión como {user}. Lo que quiere hacer necesita una segunda prueba de que es usted.',
  'notice.approve':
    'Ha iniciado sesión como {user}. {site} le pide que apruebe una solicitud: {method} {path}. Pasa una sola vez, en un plazo de tres minutos.',
  'notice.again': 'Tiene una sesión como {user}. Si otra persona inicia sesión, esa sesión termina.',
  'notice.age': 'Ha iniciado sesión como {user}. {site} le pide que lo confirme de nuevo, porque ha pasado un tiempo.',
  'notice.age-here':
    'Ha iniciado sesión como {user}. Lo que quiere hacer pide que lo confirme de nuevo, porque ha pasado un tiempo.',
  'notice.enrol':
    'Ha iniciado sesión como {user}. {site} necesita una segunda prueba de que es usted, y todavía no ha configurado ninguna.',
  'notice.enrol-here':
    'Ha iniciado sesión como {user}. Lo que quiere hacer necesita una segunda prueba de que es usted, y todavía no ha configurado ninguna.',
  'enrol.title': 'Configure su aplicación de autenticación',
  'enrol.submit': 'Confirmar y continuar',
  'enrol.qr': 'Código QR para su aplicación de autenticación',
  'enrol.open': 'Abrir en una aplicación de autenticación de este dispositivo',
  'enrol.secret': 'O escriba esta clave en la aplicación:',
  'enrol.totp.text':
    'Escanee la imagen con una aplicación de autenticación en su teléfono y luego introduzca los seis dígitos que muestra.',
  'login.recovery-code': 'Código de recuperación',
  'login.recovery-confirm': 'Escriba uno de estos códigos para mostrar que los ha guardado',
  'enrol.recovery.title': 'Guarde estos códigos de recuperación',
  'enrol.recovery.text':
    'Cada uno sustituye una vez a su otra segunda prueba para {realm}, si la pierde. Imprímalos o anótelos y guárdelos donde solo usted los encuentre: se muestran solo esta vez.',
  'enrol.recovery.left': 'Le quedan {left} códigos de la serie anterior. Los nuevos los sustituyen.',
  'enrol.later': 'Ahora no',
  'failure.wrong-recovery-code': 'Este código no es uno de los suyos o ya se usó. Compruébelo e inténtelo de nuevo.',
  'module.recovery': 'un código de recuperación',
  'module.x509': 'un certificado',
  'login.resend': 'Enviar un código nuevo',
  'code.email':
    'Hemos enviado un código de ocho cifras a su dirección de correo, si esta cuenta tiene una. Es válido durante cinco minutos.',
  'code.sms':
    'Hemos enviado un código de ocho cifras a su teléfono, si esta cuenta tiene uno. Es válido durante cinco minutos.',
  'failure.not-sent': 'No hemos podido enviar el código. Espere un momento y pida uno nuevo.',
  'failure.sent-too-often': 'Ya se han pedido varios códigos. Espere un cuarto de hora antes de pedir otro.',
  'module.email': 'un código por correo electrónico',
  'module.sms': 'un código por SMS',
  'module.externalJwt': 'un token',
  'module.totp': 'la aplicación de autenticación',
  'module.password': 'la contraseña',
  'login.key-name': 'Nombre de esta llave, si lo desea',
  'webauthn.sign-in': 'Iniciar sesión con una clave de acceso',
  'webauthn.use': 'Usar clave de acceso o llave de seguridad',
  'webauthn.text': 'Confirme con su clave de acceso o llave de seguridad que es usted.',
  'webauthn.needs-script':
    'Las claves de acceso y las llaves de seguridad necesitan JavaScript, que está desactivado en este navegador.',
  'webauthn.cancelled': 'No se confirmó nada. Inténtelo de nuevo o elija otro método.',
  'webauthn.exists': 'Este dispositivo o esta llave de seguridad ya está configurado para usted. Use otro.',
  'webauthn.unsupported': 'Este navegador no admite claves de acceso. Use otro navegador o elija otro método.',
  'failure.wrong-key':
    'Esta clave de acceso o llave de seguridad no se aceptó. Inténtelo de nuevo o elija otro método.',
  'failure.not-set-up':
    'Esta clave de acceso o llave de seguridad no se pudo configurar. Inténtelo de nuevo o use otra.',
  'enrol.webauthn.title': 'Configure una clave de acceso',
  'enrol.webauthn.text':
    'Su dispositivo o llave de seguridad le pedirá la huella, el rostro o el PIN. A partir de entonces confirmará a {realm} que es usted.',
  'enrol.webauthn.submit': 'Crear clave de acceso',
  'module.webauthn': 'la clave de acceso o llave de seguridad',

  'quota.title': 'Ya ha iniciado sesión {count} veces',
  'quota.title-one': 'Ya ha iniciado sesión',
  'quota.text':
    '{realm} no permite a {user} más sesiones a la vez. Cierre una para continuar aquí. Se cerrará todo lo que esté abierto en ella.',
  'quota.end': 'Cerrar esta y continuar',
  'quota.end-name': 'Cerrar esta y continuar: {device}, inicio de sesión {ago}',
  'quota.cancel': 'No iniciar sesión',
  'session.device': '{browser} en {system}',
  'session.unknown-device': 'Dispositivo desconocido',
  'session.since': 'Inicio de sesión: {ago}',
  'session.used': 'último uso: {ago}',
  'session.end-name': 'Cerrar la sesión en {device}, iniciada {ago}',

  'account.title': 'Sus sesiones',
  'account.where': 'Sesión iniciada en {realm} como {user}',
  'account.this': 'Esta',
  'account.others': 'Otras sesiones ({count})',
  'account.others-text':
    'Si alguna no es suya, ciérrela y avise a su administrador: alguien podría conocer su contraseña.',
  'account.none': 'No tiene ninguna otra sesión abierta.',
  'account.end': 'Cerrar',
  'account.end-others': 'Cerrar todas las demás sesiones',
  'account.ended': 'Esa sesión se ha cerrado. Todo lo que estaba abierto en ella ya no tiene acceso.',
  'account.ended-others': 'Todas las demás sesiones están cerradas.',
  'account.gone': 'Esa sesión ya no está en su lista. Puede que haya terminado mientras tanto.',
  'account.pages': 'Páginas de la lista',
  'account.page': 'Página {page} de {pages}',
  'account.previous': 'Página anterior',
  'account.next': 'Página siguiente',
  'factors.title': 'Cómo demuestra quién es',
  'factors.none': 'Todavía no tiene una segunda prueba.',
  'factors.change': 'Cambiar',
  'factors.change-name': 'Cambiar {name}',
  'factors.add': 'Añadir: {factor}',
  'factors.renew': 'Sustituir: {factor}',
  'account.factors-removed': 'Se ha eliminado y ya no demuestra nada.',
  'account.factors-renamed': 'Se ha cambiado el nombre.',
  'account.factors-gone': 'Ya no está en su lista o no se puede cambiar.',
  'factor.title': 'Cambiar {name}',
  'factor.added': 'añadida {ago}',
  'factor.used': 'último uso {ago}',
  'factor.left': 'quedan {left}',
  'factor.declared': 'fijada por su administrador',
  'factor.name': 'Nombre',
  'factor.save': 'Guardar',
  'factor.remove': 'Eliminar',
  'factor.last': 'Es su última segunda prueba. Si la elimina, no podrá abrir lo que pida una hasta que configure otra.',
  'factor.new': 'Está configurada. Póngale un nombre para distinguirla de otras.',
  'factor.type.totp': 'Aplicación de autenticación',
  'factor.type.webauthn': 'Llave de seguridad o clave de acceso',
  'factor.type.recovery': 'Códigos de recuperación',
  'factor.type.device': 'Dispositivo recordado',
  'device.remember':
    'No volver a pedirlo en este navegador durante {days} días. No en un equipo que usen otras personas.',
  'device.remember-one':
    'No volver a pedirlo en este navegador durante un día. No en un equipo que usen otras personas.',
  'factor.until': 'vale hasta el {until}',
  'account.sign-in': 'Inicie sesión para ver sus sesiones. ¿Dónde quiere iniciar sesión?',

  'password.title': 'Elegir una contraseña nueva',
  'password.where': 'Sesión iniciada en {realm} como {user}',
  'password.current': 'Contraseña actual',
  'password.new': 'Contraseña nueva',
  'password.again': 'Contraseña nueva otra vez',
  'password.submit': 'Cambiar la contraseña',
  'password.text':
    'Al menos {count} caracteres, de cualquier tipo. Unas cuantas palabras que solo usted juntaría son buenas y fáciles de recordar.',
  'password.must-change': 'Debe cambiar su contraseña antes de continuar.',
  'password.password-expired': 'Su contraseña ha caducado. Elija una nueva para continuar.',
  'password.too-short': 'Esta contraseña es demasiado corta: necesita al menos {count} caracteres.',
  'password.too-long': 'Esta contraseña es demasiado larga: puede tener como máximo {count} caracteres.',
  'password.name': 'Sin su propio nombre, esta contraseña es demasiado corta.',
  'password.common': 'Esta contraseña es de las que se prueban primero. Elija otra.',
  'password.unusable': 'Esto no puede ser una contraseña. Elija otra.',
  'password.used-before': 'Es su contraseña actual o una que ya tuvo. Elija otra.',
  'password.too-weak': 'Esta contraseña no cumple las reglas de su organización. Elija otra.',
  'password.too-short-there':
    'Según las reglas de su organización, esta contraseña es demasiado corta. Elija una más larga.',
  'password.too-soon': 'Su contraseña se cambió hace poco y todavía no puede cambiarse de nuevo.',
  'password.not-allowed': 'No puede cambiar esta contraseña usted mismo. Su administrador puede ayudarle.',
  'password.differ': 'Las dos entradas de la contraseña nueva son distintas. Escríbala de nuevo.',
  'password.wrong': 'La contraseña actual no es correcta. No se ha cambiado nada.',
  'password.stale': 'Entretanto, su contraseña se cambió en otro lugar. Aquí no se ha cambiado nada.',
  'password.changed': 'Su contraseña ha cambiado. Se ha cerrado su sesión en todos los demás sitios.',
  'password.elsewhere':
    'Su contraseña de {realm} no se puede cambiar aquí: se guarda en otro lugar. Su administrador puede cambiarla o decirle dónde hacerlo.',
  'action.password': 'Cambiar su contraseña',

  'home.title': 'Ha iniciado sesión como {user}',
  'home.realm': 'en {realm}',
  'home.apps': 'Sus aplicaciones',
  'home.no-apps': 'Todavía no hay ninguna aplicación conectada a {realm}.',
  'home.other-user': 'Iniciar sesión como otra persona',
  'welcome.title': 'No ha iniciado sesión',
  'welcome.text': '¿Dónde quiere iniciar sesión?',

  'logout.title': '¿Cerrar la sesión en {realm}?',
  'logout.text': 'Tiene una sesión como {user}. Al cerrarla, termina en todas partes de {realm}:',
  'logout.text-none': 'Tiene una sesión como {user}. Al cerrarla, termina en todas partes de {realm}.',
  'logout.submit': 'Cerrar sesión',
  'logout.stay': 'Mantener la sesión',
  'logged-out.title': 'Ha cerrado la sesión',
  'logged-out.text': 'Si comparte el ordenador con otras personas, cierre también el navegador.',
  'logged-out.back': 'Volver a {site}',
  'logged-out.again': 'Iniciar sesión de nuevo',

  'error.forbidden.title': 'No tiene acceso',
  'error.forbidden.text':
    'Ha iniciado sesión, pero nada le permite abrir esto. Si lo necesita, hable con su administrador.',
  'error.unreachable.title': 'No hay un inicio de sesión más fuerte',
  'error.unreachable.text':
    'Lo que quiere abrir exige un inicio de sesión más fuerte que los que {realm} le ofrece. Su administrador puede cambiarlo.',
  'error.no-certificate.title': 'Hace falta un certificado',
  'error.no-certificate.text':
    'Para iniciar sesión aquí hace falta un certificado, y su navegador no ha mostrado ninguno. Instálelo o inserte su tarjeta, cierre todas las ventanas del navegador e inténtelo de nuevo.',
  'error.certificate.title': 'Su certificado no se acepta',
  'error.certificate.text':
    'Su navegador ha mostrado un certificado que {realm} no acepta: puede haber caducado, estar revocado o no ser de nadie aquí. Su administrador puede consultar el motivo.',
  'error.too-many-anonymous.title': 'Demasiadas visitas a la vez',
  'error.too-many-anonymous.text':
    'Desde su red han llegado muchas personas sin iniciar sesión. Inicie sesión o vuelva a intentarlo dentro de un cuarto de hora.',
  'error.approval-over.title': 'Esta aprobación ya no está pendiente',
  'error.approval-over.text':
    'Ya se dio, tardó más de tres minutos o pertenece a otro inicio de sesión. Vuelva atrás: si todavía hace falta una aprobación, se le pedirá de nuevo.',
  'error.login-address.title': 'Esta dirección de inicio de sesión no funciona',
  'error.login-address.text':
    'Pide una forma de iniciar sesión que {realm} no tiene. Inicie sesión sin ella o diga a su administrador dónde encontró este enlace.',
  'error.unavailable.title': 'Inténtelo de nuevo en un momento',
  'error.unavailable.text':
    'Ahora mismo no podemos comprobar las sesiones. Si tenía una, sigue abierta y no se ha perdido nada.',
  'error.upstream.title': 'La aplicación no responde',
  'error.upstream.text':
    'No se puede llegar a la aplicación. No tiene que ver con su inicio de sesión. Inténtelo más tarde.',
  'error.bad-request.title': 'Esta dirección no funciona',
  'error.bad-request.text':
    'La solicitud era ambigua y por eso no se transmitió. Compruebe si la dirección tiene errores de escritura.',
  'error.too-large.title': 'Es demasiado grande',
  'error.too-large.text': 'Se envió más de lo que esta página acepta. Vuelva atrás y envíe menos.',
  'error.unknown-host.title': 'Aquí no hay nada',
  'error.unknown-host.text':
    'No se conoce ninguna aplicación en esta dirección. Compruebe si tiene errores de escritura.',
  'error.not-found.title': 'Esta página no existe',
  'error.not-found.text': 'Puede que la dirección esté mal escrita o que la página se haya movido.',
  'error.method-not-allowed.title': 'Esto no se puede hacer aquí',
  'error.method-not-allowed.text': 'La forma en que se llamó a la página no está permitida en esta dirección.',
  'error.cross-site.title': 'Este formulario vino de otro sitio',
  'error.cross-site.text':
    'Por su seguridad, solo se aceptan formularios de nuestras propias páginas. No se ha cambiado nada.',
  'error.open-at-top-level.title': 'Inicie sesión primero',
  'error.open-at-top-level.text': 'El inicio de sesión no funciona dentro de otra página. Ábralo en su propia ventana.',
  'error.form-waits.title': 'Confirme primero su identidad',
  'error.form-waits.text': 'Esta página continúa por sí sola. Si no lo hace, use el botón.',
  'error.token-needed.title': 'Su sesión no basta aquí',
  'error.token-needed.text':
    'Con esta cuenta, cada petición debe traer un token firmado además de la sesión, y un navegador no lo hace por sí solo. Si no lo esperaba, hable con su administrador.',
  'error.loop.title': 'La sesión no se mantiene',
  'error.loop.text':
    'Ha iniciado sesión, pero la aplicación no se da cuenta. Nos hemos detenido antes de dar vueltas en círculo.',
  'error.form-kept.title': 'Continuar el envío de su formulario a {site}',
  'error.form-kept.text':
    'Tuvo que iniciar sesión antes de que se pudiera enviar su formulario. Se ha guardado y todavía no se ha enviado nada.',
  'error.form-not-kept.title': 'Su formulario no se ha enviado',
  'error.form-not-kept.text':
    'Ya se envió, es demasiado grande o demasiado antiguo para guardarlo, o pertenece a otra persona. Rellénelo de nuevo, por favor.',
  'error.internal.title': 'Algo ha fallado por nuestra parte',
  'error.internal.text': 'No es culpa suya y ha quedado anotado. Inténtelo de nuevo.',

  'cause.cookie-not-returned':
    'Su navegador no devolvió la cookie. Permita las cookies de esta dirección e inténtelo de nuevo.',
  'cause.two-cookies':
    'Su navegador envía dos cookies distintas con el mismo nombre. Borre las cookies de esta dirección e inténtelo de nuevo.',
  'cause.clock': 'El reloj de este ordenador o del servidor está mal. Póngalo en hora e inténtelo de nuevo.',
  'cause.secure-over-http':
    'Esta dirección está abierta con http, pero sus cookies necesitan https. Use una dirección que empiece por https://.',
  'cause.unknown':
    'Cierre todas las ventanas de esta aplicación e inténtelo de nuevo. Si vuelve a ocurrir, dé el número de solicitud a su servicio de ayuda.',

  'action.retry': 'Intentar de nuevo',
  'action.home': 'Ir a la página de inicio',
  'action.apps': 'Ir a sus aplicaciones',
  'action.account': 'Sus sesiones',
  'action.sign-in': 'Iniciar sesión',
  'action.sign-out': 'Cerrar sesión',
  'action.other-user': 'Iniciar sesión como otra persona',
  'action.open': 'Abrir en su propia ventana',

  'form.send': 'Enviar el formulario',
  'form.discard': 'No enviarlo',
  'action.back': 'Volver a la página',
  'form.target': 'Se envía a',
  'form.fields': 'Campos',
  'form.files': 'Archivos',
  'form.size': 'Tamaño',

  'detail.site': 'Aplicación',
  'detail.user': 'Sesión de',
  'detail.policy': 'Decidido por',
  'detail.request': 'Número de solicitud',
  'detail.wait': 'Espere {duration} antes de intentarlo de nuevo.',

  'footer.language': 'Idioma',
  'footer.change': 'Cambiar',
  'footer.help': 'Obtener ayuda',
}
