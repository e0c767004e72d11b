// Sends the form on that an agent waits for. Without script the person does, with its button.
'use strict'

document.querySelector('form[data-relay]')?.submit()
